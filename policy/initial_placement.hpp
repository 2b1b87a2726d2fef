// Where a guest should start that does not exist yet, and which homes would have to change first to
// make room for it. Pure.
#pragma once

#include <string>
#include <vector>

#include "policy/evictions.hpp"
#include "policy/model/history.hpp"
#include "policy/model/planner_settings.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

struct PlacementRequest {
    int vcpus = 1;    // at least 1
    Bytes bytes = 0;  // at least 1
    // Number of cells of equal size, 1 to max_host_nodes. A guest whose cells fit no node is
    // placed in as many cells as it takes.
    std::size_t cells = 1;
    NodeSet allowed = NodeSet::first(max_host_nodes);
    Bytes huge_page = 0;  // page size of the pool its memory will be from; 0: ordinary memory
};

// A recent answer to a request. It counts until the guest exists: without it, two requests in a row
// would get the same node.
struct Reservation {
    PlacementRequest request;
    std::vector<NodeIndex> nodes;  // of each cell
    Millis expires = 0;            // point in time
    // Name or UUID of the guest, if known. The reservation ends once that guest exists.
    std::string guest{};
};

struct InitialPlacement {
    std::string problem;  // why the request is invalid; the other fields are empty then
    // The node of each cell. Without room, the nodes with the most available memory; empty only if
    // no allowed node has CPUs and memory.
    std::vector<NodeIndex> nodes;
    bool has_room = false;  // for all cells
    // Changes of home that would make room, in this order: guests that leave, or pairs that change
    // places. Empty if there is room, or if max_evictions changes do not make enough.
    std::vector<Eviction> evictions;
};

// On a host with one node, there is room if the node has the CPUs for each cell, and the memory for
// all cells in addition to what the other guests have not allocated yet. No guest can be evicted.
InitialPlacement place_initially(const Snapshot& snapshot, const History& history,
                                 const PlannerSettings& settings,
                                 const std::vector<Reservation>& reservations,
                                 const PlacementRequest& request);

}  // namespace vnuma
