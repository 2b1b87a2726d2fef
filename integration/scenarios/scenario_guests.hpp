// The guest shapes that matter to vnumad. Each is small enough for a lab host with two nodes.
#pragma once

#include <string>
#include <vector>

#include "integration/host/guest_shape.hpp"

namespace vnuma::lab {

// Two cells of the same size. Their buffers differ so much that the guest kernel's memory, which is
// all in cell 0, leaves no doubt about which block belongs to which cell.
GuestShape equal_cells(const std::string& name, std::vector<int> first_touch_nodes = {0, 1},
                       std::vector<int> buffers_mib = {40, 180});
// Needs a hugetlb pool with huge_pages_needed pages on one node.
GuestShape with_huge_pages(const std::string& name);
inline constexpr int huge_pages_needed = 128;
GuestShape with_shared_memory(const std::string& name);
// Has an iothread, and an unconnected network interface with a vhost thread.
GuestShape with_helper_threads(const std::string& name);
// Two cells like equal_cells(). Each has a PCI bus of its own, with a disk that an iothread of the
// cell's number plus 1 serves.
GuestShape with_disks_of_cells(const std::string& name);
// Its owner restricts the vCPUs to node 0 and one CPU of node 1, and the memory to node 0.
GuestShape with_owners_tuning(const std::string& name);
// Cell 1 has a DIMM and a virtio-mem device.
GuestShape with_memory_devices(const std::string& name);
// A second vCPU can be plugged into cell 1.
GuestShape with_room_for_a_vcpu(const std::string& name);
// Fits a node, and most of its memory is in buffers.
GuestShape with_big_buffers(const std::string& name);
// Has more vCPUs than a node has CPUs, and a buffer for each vCPU.
GuestShape wider_than_a_node(const std::string& name);

// One guest of each shape that vnumad reads differently, named after the shape.
std::vector<GuestShape> all_shapes();

}  // namespace vnuma::lab
