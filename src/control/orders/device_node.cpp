#include "src/control/orders/device_node.hpp"

#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>

#include "src/config/text_file.hpp"

namespace vnuma::control {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_device_name = 255;
// Devices between a disk, a partition or an interface and its PCI device: bridges, hosts, targets.
constexpr int max_parents = 32;

// The content of numa_node: -1 where the firmware does not tell.
std::optional<int> read_node(const fs::path& file) {
    const FileText content = read_text_file(file.string());
    int node = 0;
    const char* const end = content.text.data() + content.text.size();
    const auto parsed = std::from_chars(content.text.data(), end, node);
    return content.problem.empty() && parsed.ec == std::errc() ? std::optional(node) : std::nullopt;
}

// The device itself, or the nearest one that it belongs to, has the file.
DeviceNode find_node_above(fs::path device, const fs::path& devices) {
    for (int parents = 0; parents < max_parents && device != devices; ++parents) {
        std::error_code error;
        if (fs::exists(device / "numa_node", error)) {
            const auto node = read_node(device / "numa_node");
            if (!node) return {-1, "has a numa_node in sysfs that cannot be read"};
            if (*node < 0) return {-1, "belongs to no node, as the firmware tells the kernel"};
            return {*node, ""};
        }
        if (!device.has_parent_path() || device == device.parent_path()) break;
        device = device.parent_path();
    }
    return {-1, "belongs to no device that has a node (it is virtual)"};
}

}  // namespace

DeviceNode find_device_node(const std::string& device, const std::string& root) {
    const std::string name = device.starts_with("/dev/") ? device.substr(5) : device;
    if (name.empty() || name.size() > max_device_name || name.starts_with('.') ||
        name.find('/') != std::string::npos || name.find('\0') != std::string::npos)
        return {-1, "is no PCI address, network interface or block device"};
    std::error_code error;
    const fs::path sys = fs::canonical(fs::path(root) / "sys", error);
    if (error) return {-1, "cannot be found, since there is no sysfs"};
    for (const std::string& place : {"bus/pci/devices/" + name, "bus/pci/devices/0000:" + name,
                                     "class/net/" + name, "class/block/" + name}) {
        const fs::path found = fs::canonical(sys / place, error);
        if (error) continue;
        return find_node_above(found, sys / "devices");
    }
    return {-1, "is no PCI address, network interface or block device of this host"};
}

}  // namespace vnuma::control
