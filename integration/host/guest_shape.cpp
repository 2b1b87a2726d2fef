#include "integration/host/guest_shape.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "integration/lab/archive.hpp"
#include "integration/lab/kernel.hpp"

namespace vnuma::lab {
namespace {

constexpr const char* initramfs_file = "/run/lab/guest.cpio";

// The workload is in the directory of the program that runs the scenario.
std::string workload_file() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "guest-workload";
}

std::string numa_xml(const GuestShape& shape) {
    if (shape.cells.size() < 2) return "";
    std::ostringstream xml;
    xml << "<numa>";
    for (std::size_t id = 0; id < shape.cells.size(); ++id) {
        const GuestCell& cell = shape.cells[id];
        const int first = first_vcpu_of(shape, id);
        xml << "<cell id='" << id << "' cpus='" << first << "-" << first + cell.vcpus - 1
            << "' memory='" << cell.mib << "' unit='MiB'>";
        if (id < shape.distances.size()) {
            xml << "<distances>";
            for (std::size_t other = 0; other < shape.distances[id].size(); ++other)
                xml << "<sibling id='" << other << "' value='" << shape.distances[id][other]
                    << "'/>";
            xml << "</distances>";
        }
        xml << "</cell>";
    }
    xml << "</numa>";
    return xml.str();
}

}  // namespace

int first_vcpu_of(const GuestShape& shape, std::size_t cell) {
    int first = 0;
    for (std::size_t i = 0; i < cell; ++i)
        first += shape.cells[i].vcpus;
    return first;
}

int vcpus_of(const GuestShape& shape) {
    return first_vcpu_of(shape, shape.cells.size());
}

int online_vcpus_of(const GuestShape& shape) {
    return shape.online_vcpus > 0 ? shape.online_vcpus : vcpus_of(shape);
}

int mib_of(const GuestShape& shape) {
    int mib = 0;
    for (const GuestCell& cell : shape.cells)
        mib += cell.mib;
    return mib;
}

int buffer_mib_of(const GuestShape& shape, int vcpu) {
    return shape.buffers_mib.empty() ? shape.buffer_mib
                                     : shape.buffers_mib.at(static_cast<std::size_t>(vcpu));
}

std::string console_of(const GuestShape& shape) {
    return "/run/lab/" + shape.name + ".console";
}

std::string workload_socket_of(const GuestShape& shape) {
    return "/run/lab/" + shape.name + ".sock";
}

std::string guest_kernel() {
    const char* kernel = std::getenv("VNUMA_LAB_KERNEL");
    if (!kernel) throw std::runtime_error("VNUMA_LAB_KERNEL is not set: run this in vnuma-lab");
    return kernel;
}

std::string guest_initramfs() {
    if (!std::filesystem::exists(initramfs_file)) {
        std::filesystem::create_directories("/run/lab");
        std::vector<InitramfsFile> files{{"init", read_compressed(workload_file())}};
        const char* driver = std::getenv("VNUMA_LAB_BALLOON_DRIVER");
        if (driver && std::filesystem::exists(driver))
            files.push_back({"virtio_balloon.ko", read_bytes(driver)});
        write_initramfs(initramfs_file, files);
    }
    return initramfs_file;
}

std::string guest_command_line() {
    return std::string(
               "console=ttyS0 quiet panic=-1 nokaslr numa_balancing=disable tsc=reliable ") +
           quick_boot;
}

std::string domain_xml(const GuestShape& shape, const std::string& kernel,
                       const std::string& initramfs) {
    std::ostringstream xml;
    xml << "<domain type='kvm'><name>" << shape.name << "</name><memory unit='MiB'>"
        << mib_of(shape) << "</memory><vcpu current='" << online_vcpus_of(shape) << "'>"
        << vcpus_of(shape) << "</vcpu>" << shape.elements
        << "<os><type arch='x86_64' machine='q35'>hvm</type><loader type='rom'>" << guest_firmware
        << "</loader><kernel>" << kernel << "</kernel><initrd>" << initramfs << "</initrd><cmdline>"
        << guest_command_line() << "</cmdline></os><features><acpi/><apic/>" << shape.features
        << "</features>"
        << "<cpu mode='host-passthrough'>" << numa_xml(shape)
        << "</cpu><on_crash>destroy</on_crash><on_reboot>destroy</on_reboot>"
        << "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>"
        << "<controller type='usb' model='none'/><memballoon model='none'/>"
        << "<serial type='file'><source path='" << console_of(shape) << "'/></serial>"
        << "<channel type='unix'><source mode='bind' path='" << workload_socket_of(shape)
        << "'/><target type='virtio' name='org.vnumad.guest'/></channel>" << shape.devices
        << "</devices></domain>";
    return xml.str();
}

}  // namespace vnuma::lab
