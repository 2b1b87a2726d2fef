#include "guests/process/devices.hpp"

#include <charconv>
#include <filesystem>
#include <optional>
#include <set>

#include "guests/process/files.hpp"

namespace vnuma {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_devices = 256;

// The device's node by the kernel's number. The kernel writes -1 where the firmware names none.
std::optional<int> read_node(const std::string& sysfs, const std::string& address) {
    const auto text = read_small_file(sysfs + "/bus/pci/devices/" + address + "/numa_node");
    int node = -1;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), node).ec != std::errc())
        return std::nullopt;
    return node >= 0 ? std::optional<int>(node) : std::nullopt;
}

// "/dev/vfio/12" is an IOMMU group with its devices; "/dev/vfio/devices/vfio3" is one device.
void add_vfio_devices(const std::string& file, const std::string& sysfs,
                      std::set<std::string>& addresses) {
    std::error_code error;
    const fs::path name = fs::path(file).filename(), root = sysfs;
    if (file.starts_with("/dev/vfio/devices/")) {
        const fs::path device = fs::read_symlink(root / "class/vfio-dev" / name / "device", error);
        if (!error) addresses.insert(device.filename());
        return;
    }
    for (const auto& entry :
         fs::directory_iterator(root / "kernel/iommu_groups" / name / "devices", error))
        if (addresses.size() < max_devices) addresses.insert(entry.path().filename());
}

// The PCI device of a network interface. A bridge, a bond or a VLAN has none.
void add_network_device(const std::string& name, const std::string& sysfs,
                        std::set<std::string>& addresses) {
    std::error_code error;
    const fs::path device =
        fs::read_symlink(fs::path(sysfs) / "class/net" / name / "device", error);
    if (!error && fs::exists(fs::path(sysfs) / "bus/pci/devices" / device.filename(), error))
        addresses.insert(device.filename());
}

bool is_vfio(const std::string& file) {
    return file.starts_with("/dev/vfio/") && file != "/dev/vfio/vfio";
}

// Why memory of a process that has the file open cannot be moved; null if the file does not matter.
const char* why_immovable(const std::string& file) {
    if (is_vfio(file)) return "VFIO pins its memory for an assigned host device";
    if (file.starts_with("/dev/vhost-vdpa")) return "vhost-vdpa pins its memory for a vDPA device";
    if (file == "anon_inode:[kvm-gmem]")
        return "its memory is private (guest_memfd, as SEV-SNP and TDX use it)";
    if (file == "/dev/sev") return "its memory is encrypted (SEV)";
    return nullptr;
}

}  // namespace

DeviceFindings read_devices(const Process& process, const Domain* domain,
                            const std::string& sysfs) {
    DeviceFindings findings;
    std::set<std::string> addresses;
    if (domain) {
        addresses.insert(domain->host_devices.begin(), domain->host_devices.end());
        for (const std::string& name : domain->network_devices)
            add_network_device(name, sysfs, addresses);
    }
    for (const std::string& fd : process.open_files()) {
        const std::string file = process.read_link("fd/" + fd);
        if (is_vfio(file)) add_vfio_devices(file, sysfs, addresses);
        if (const char* reason = why_immovable(file))
            findings.immovable = reason;
        else if (file.starts_with("/dev/vhost-"))
            findings.uses_vhost = true;
        else if (file == "anon_inode:[userfaultfd]")
            findings.uses_userfaultfd = true;
    }
    for (const std::string& address : addresses)
        findings.devices.push_back({address, read_node(sysfs, address)});
    return findings;
}

}  // namespace vnuma
