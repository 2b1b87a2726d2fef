#include "integration/scenarios/scenario_guests.hpp"

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

constexpr int cell_mib = 288;
constexpr int buffer_mib = 100;

GuestShape two_vcpus(const std::string& name, int mib = 384) {
    return {name, {{2, mib}}, {0, 1}, buffer_mib};
}

}  // namespace

GuestShape equal_cells(const std::string& name, std::vector<int> first_touch_nodes,
                       std::vector<int> buffers_mib) {
    GuestShape shape{name, {{1, cell_mib}, {1, cell_mib}}, std::move(first_touch_nodes)};
    shape.buffers_mib = std::move(buffers_mib);
    return shape;
}

GuestShape with_huge_pages(const std::string& name) {
    GuestShape shape = two_vcpus(name, huge_pages_needed * 2);
    shape.elements = "<memoryBacking><hugepages/></memoryBacking>";
    shape.buffer_mib = 40;
    return shape;
}

GuestShape with_shared_memory(const std::string& name) {
    GuestShape shape = two_vcpus(name);
    shape.elements = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>";
    return shape;
}

GuestShape with_helper_threads(const std::string& name) {
    GuestShape shape = two_vcpus(name);
    shape.elements = "<iothreads>1</iothreads>";
    shape.devices =
        "<interface type='ethernet'><model type='virtio'/><driver name='vhost'/></interface>";
    return shape;
}

GuestShape with_disks_of_cells(const std::string& name) {
    GuestShape shape = equal_cells(name);
    shape.elements = "<iothreads>2</iothreads>";
    for (const int cell : {0, 1}) {
        const std::string bus = std::to_string(1 + cell), port = std::to_string(3 + cell),
                          file = "/run/lab/" + name + std::to_string(cell) + ".img";
        write_text(file, std::string(std::size_t{1} << 20, '\0'));
        shape.devices +=
            "<controller type='pci' index='" + bus + "' model='pcie-expander-bus'><target busNr='" +
            std::to_string(200 + 20 * cell) + "'><node>" + std::to_string(cell) +
            "</node></target></controller>" + "<controller type='pci' index='" + port +
            "' model='pcie-root-port'><address type='pci' bus='0x0" + bus +
            "' slot='0x00' function='0x0'/></controller>" +
            "<disk type='file' device='disk'><driver name='qemu' type='raw' iothread='" +
            std::to_string(cell + 1) + "'/><source file='" + file + "'/><target dev='vd" +
            (cell == 0 ? "a" : "b") + "' bus='virtio'/><address type='pci' bus='0x0" + port +
            "' slot='0x00' function='0x0'/></disk>";
    }
    return shape;
}

GuestShape with_owners_tuning(const std::string& name) {
    GuestShape shape = two_vcpus(name);
    shape.elements =
        "<cputune><shares>2048</shares><vcpupin vcpu='0' cpuset='0-2'/>"
        "<vcpupin vcpu='1' cpuset='0-2'/><emulatorpin cpuset='0-1'/></cputune>"
        "<numatune><memory mode='strict' nodeset='0'/></numatune>";
    return shape;
}

GuestShape with_memory_devices(const std::string& name) {
    GuestShape shape = equal_cells(name);
    shape.elements = "<maxMemory slots='4' unit='MiB'>2048</maxMemory>";
    shape.devices =
        "<memory model='dimm'><target><size unit='MiB'>128</size><node>1</node></target></memory>"
        "<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>1</node>"
        "<block unit='MiB'>2</block><requested unit='MiB'>64</requested></target></memory>";
    return shape;
}

GuestShape with_room_for_a_vcpu(const std::string& name) {
    GuestShape shape{name, {{1, cell_mib}, {2, cell_mib}}, {0, 1}};
    shape.buffers_mib = {40, 180, 0};
    shape.online_vcpus = 2;
    return shape;
}

GuestShape with_big_buffers(const std::string& name) {
    return {name, {{2, 640}}, {0}, 200};
}

GuestShape wider_than_a_node(const std::string& name) {
    return {name, {{4, 704}}, {0, 0, 1, 1}, 120};
}

std::vector<GuestShape> all_shapes() {
    return {equal_cells("vnuma"),           with_huge_pages("hugetlb"),
            with_shared_memory("memfd"),    with_helper_threads("helpers"),
            with_owners_tuning("wishes"),   with_memory_devices("memory-devices"),
            with_room_for_a_vcpu("hotplug")};
}

}  // namespace vnuma::lab
