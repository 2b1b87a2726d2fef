// What is placed as one: a cell, a shard, or the cells of a group that have one home.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma {

struct CellHistory;

// What is moved as one: a cell, a shard, or the cells of a group that have one home.
struct Unit {
    struct Part {
        const GuestState* guest = nullptr;
        const CellState* cell = nullptr;
        const CellHistory* known = nullptr;  // none: it is new
        // Placement works these out:
        std::size_t pool = 0;
        Bytes full = 0;       // once it has touched all of its memory
        Bytes untouched = 0;  // of that what it has not touched yet: it will be at its home
        // Homes to which what is elsewhere now would not follow: it cannot, or is used too little.
        NodeSet stays_at{};
    };
    // With another unit of the same guest, or of a group that could not be one unit.
    struct Coupling {
        std::size_t other = 0;
        MilliCpu traffic = 0;  // CPU time of accesses to each other's memory
        MilliCpu sibling = 0;  // what the busier uses, of siblings whose kernel believes them apart
    };

    std::vector<Part> parts;
    NodeSet fits;                     // allowed nodes that hold it as a whole
    std::optional<NodeIndex> former;  // its home before this search
    std::optional<NodeIndex> home;
    bool fixed = false;         // may not change its home, unless that relieves it of memory
    Millis cooling = 0;         // how long it will be fixed, if for its cool-down
    Millis shards_due = 0;      // ... until it is known whether other shards are better
    bool group_parted = false;  // its group has one home, but no node has room for all of it
    // Has no home just now, and its memory is in nobody's way: it will follow.
    bool lifted = false;
    std::optional<std::size_t> apart_group{};
    std::string displaced{};  // what is wrong with its former home; mostly empty
    std::vector<Coupling> couplings{};

    MilliCpu use = 0;  // of all parts; Placement works it out
};

// A member of a group whose members are apart: it has this node to itself.
struct HeldApart {
    std::size_t group = 0;
    NodeIndex node{};
    const GuestState* guest = nullptr;
};

}  // namespace vnuma
