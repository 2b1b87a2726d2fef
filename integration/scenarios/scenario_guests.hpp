// The shapes a guest can have, as far as they matter to vnumad: each is small, and boots in a lab
// host with two nodes.
#pragma once

#include <string>
#include <vector>

#include "integration/host/guest_shape.hpp"

namespace vnuma::lab {

// Two cells of one size. Their vCPUs touch so much that the kernel's own memory, which is all in
// cell 0, leaves no doubt which block is whose.
GuestShape equal_cells(const std::string& name, std::vector<int> first_touch_nodes = {0, 1},
                       std::vector<int> buffers_mib = {40, 180});
// Its pool has to be there first: huge_pages_needed on one node.
GuestShape with_huge_pages(const std::string& name);
inline constexpr int huge_pages_needed = 128;
GuestShape with_shared_memory(const std::string& name);
// An iothread, and a network interface without a network, served by vhost.
GuestShape with_helper_threads(const std::string& name);
// vCPUs that may run on node 0 and one CPU of node 1 only, memory strictly on node 0.
GuestShape with_owners_tuning(const std::string& name);
// Cell 1 has a DIMM and a virtio-mem device.
GuestShape with_memory_devices(const std::string& name);
// Cell 1 can get a second vCPU.
GuestShape with_room_for_a_vcpu(const std::string& name);
// It fits a node, and most of its memory is buffers.
GuestShape with_big_buffers(const std::string& name);
// More vCPUs than a node has CPUs, each with a buffer of its own.
GuestShape wider_than_a_node(const std::string& name);

// One of each that matters to how guests are read; the name is the shape's.
std::vector<GuestShape> all_shapes();

}  // namespace vnuma::lab
