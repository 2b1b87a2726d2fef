// What the planner places as one: a cell, a shard, or the cells of a group that have one home.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma {

struct CellHistory;

// Input of the search, which does not change it: where a unit is during the search, and what that
// takes, is in Placement.
struct Unit {
    struct Part {
        const GuestState* guest = nullptr;
        const CellState* cell = nullptr;
        const CellHistory* known = nullptr;  // null: the planner sees the cell for the first time
    };
    // To another unit of the same guest, or of a group that could not become one unit.
    struct Coupling {
        std::size_t other = 0;  // index of the other unit
        MilliCpu traffic = 0;   // CPU time of accesses to each other's memory
        // CPU use of the busier of two cells on one node whose guest's kernel spreads work over
        // them because it believes them to be on two nodes; 0 for shards and groups.
        MilliCpu sibling = 0;
    };

    std::vector<Part> parts;          // at least one
    NodeSet fits;                     // allowed nodes that hold the whole unit
    std::optional<NodeIndex> former;  // home before this plan
    // Home at the beginning of the search; none for a new unit and for one that cannot keep its
    // former home.
    std::optional<NodeIndex> initial_home;
    // Whether it may roam because that costs less than any home. Its policy or its group may demand
    // a home.
    bool may_roam = true;
    bool roamed = false;  // had given up its home before this plan, and begins without one
    // Keeps its place, unless a change relieves its home of memory pressure, or the unit is better
    // off without that home.
    bool fixed = false;
    Millis cooling = 0;      // fixed for a cool-down: until that ends
    Millis shards_due = 0;   // fixed for a check whether other shards are better: until that
    Millis changes_due = 0;  // fixed for too many changes in the last hour: until there are fewer
    bool group_parted = false;  // no node has room for all of its group, which belongs together
    std::optional<std::size_t> apart_group{};  // index of the group that keeps its members apart
    std::string displaced{};  // what the former home did ("does not ..."); empty if it is kept
    std::vector<Coupling> couplings{};
};

// A node that a guest holds for itself within a group whose members are kept apart.
struct HeldApart {
    std::size_t group = 0;  // index among the snapshot's groups
    NodeIndex node{};
    const GuestState* guest = nullptr;
};

}  // namespace vnuma
