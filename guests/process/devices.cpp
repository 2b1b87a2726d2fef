#include "guests/process/devices.hpp"

#include <charconv>
#include <filesystem>
#include <set>

#include "guests/process/process.hpp"

namespace vnuma {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_files = 8192;
constexpr std::size_t max_devices = 256;

// -1 is what the kernel says when it does not know.
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

// The card that a network device is; of a bridge, a bond or a VLAN there is none.
void add_network_device(const std::string& name, const std::string& sysfs,
                        std::set<std::string>& addresses) {
    std::error_code error;
    const fs::path device =
        fs::read_symlink(fs::path(sysfs) / "class/net" / name / "device", error);
    if (!error && fs::exists(fs::path(sysfs) / "bus/pci/devices" / device.filename(), error))
        addresses.insert(device.filename());
}

}  // namespace

DeviceFindings read_devices(const Process& process, const Domain* domain,
                            const std::string& sysfs) {
    DeviceFindings look;
    std::set<std::string> found;
    if (domain) {
        found.insert(domain->host_devices.begin(), domain->host_devices.end());
        for (const std::string& name : domain->network_devices)
            add_network_device(name, sysfs, found);
    }
    for (const std::string& fd : process.list("fd", max_files)) {
        const std::string file = process.read_link("fd/" + fd);
        if (file.starts_with("/dev/vfio/") && file != "/dev/vfio/vfio") {
            add_vfio_devices(file, sysfs, found);
            look.immovable = "a host device is assigned to it (VFIO pins its memory)";
        } else if (file.starts_with("/dev/vhost-vdpa")) {
            look.immovable = "a vDPA device is assigned to it (its memory is pinned)";
        } else if (file == "anon_inode:[kvm-gmem]") {
            look.immovable = "its memory is private to it (guest_memfd, as SEV-SNP and TDX use it)";
        } else if (file == "/dev/sev") {
            look.immovable = "its memory is encrypted (SEV)";
        } else if (file.starts_with("/dev/vhost-")) {
            look.uses_vhost = true;
        }
    }
    for (const std::string& address : found)
        look.devices.push_back({address, read_node(sysfs, address)});
    return look;
}

}  // namespace vnuma
