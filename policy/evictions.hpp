// Which homes would have to change to make room for a unit. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "policy/model/types.hpp"

namespace vnuma {

class Placement;

// A change of a cell's home.
struct Eviction {
    CellKey key;
    NodeIndex from, to;

    friend bool operator==(const Eviction&, const Eviction&) = default;
};
inline constexpr int max_evictions = 8;

// Makes room for a unit on the node where the fewest bytes have to be moved for that, places the
// unit there, and returns the evictions in the order in which they can be carried out. Returns
// nothing, and leaves the placement as it is, if max_evictions do not make enough room on any node.
// Only units that are `evictable`, by their index, change their homes.
std::optional<std::vector<Eviction>> make_room(Placement& placement, std::size_t unit,
                                               const std::vector<bool>& evictable);

}  // namespace vnuma
