// Where a guest would go that is not there yet, and what would have to go to make room. Pure.
#pragma once

#include <string>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/search/placement.hpp"

namespace vnuma {

struct PlacementRequest {
    int vcpus = 1;    // at least 1
    Bytes bytes = 0;  // at least 1
    // Equal ones, 1 to max_host_nodes; of one that fits no node as many are made as it takes.
    std::size_t cells = 1;
    NodeSet allowed = NodeSet::first(max_host_nodes);
    Bytes huge_page = 0;  // page size of the pool its memory will be from; 0: from none
};

// Advice that was given and counts until the guest is there: two requests in a row would be sent to
// the same node otherwise.
struct Reservation {
    PlacementRequest request;
    std::vector<NodeIndex> nodes;  // of its cells
    Millis expires = 0;
    // By name or uuid, whose it is: once that guest is there it counts itself. Empty: not known.
    std::string guest{};
};

struct Eviction {
    CellKey key;
    NodeIndex from, to;

    friend bool operator==(const Eviction&, const Eviction&) = default;
};
inline constexpr int max_evictions = 8;

struct InitialPlacement {
    std::string problem;  // why the request is none; nothing else is said then
    // Of each cell. Never empty where a node may be used that has CPUs and memory: without room the
    // best there is.
    std::vector<NodeIndex> nodes;
    bool has_room = false;  // for all of it
    // Homes that would have to change first, in this order, to make room: of guests that leave, and
    // of pairs that change places. Empty when there is room, or when so few changes do not suffice.
    std::vector<Eviction> evictions;
};

// On a host of one node nothing is chosen: there is room where the node has the CPUs for each cell
// and the memory for all, beside what guests may still touch; nobody could be moved to make some.
InitialPlacement place_initially(const Snapshot& snapshot, const History& history,
                                 const PlannerSettings& settings,
                                 const std::vector<Reservation>& reservations,
                                 const PlacementRequest& request);

}  // namespace vnuma
