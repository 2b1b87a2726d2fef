// A host with more nodes or more free memory than was recorded. Pure.
#pragma once

#include "policy/model/snapshot.hpp"

namespace vnuma::ctl {

// Distance between the nodes of a host that has one, as most hosts have it.
inline constexpr int usual_distance = 20;

// Adds a node like the last one, without load and with all of its memory free. It is as far from
// all others as the two nodes are that are farthest from each other. Cells that may use all nodes
// and all of their CPUs may use this one too. The host must have less than max_host_nodes.
void add_node(Snapshot& snapshot);

// What the nodes have available once the guest has ended.
void free_memory(const GuestState& guest, Topology& topology);

}  // namespace vnuma::ctl
