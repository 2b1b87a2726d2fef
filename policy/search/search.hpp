// Finds a better placement: the best moves and swaps of units, one after the other, until none
// improves it or enough homes have changed; on hosts with few units also several changes at once.
// Bounded, deterministic, near-linear in the number of units.
#pragma once

#include "policy/search/rehoming.hpp"

namespace vnuma {

// Homes that change in one tick at most. The next tick goes on from there.
inline constexpr int max_changes = 64;
// A search that only ever improves may end in a local optimum. With at most this many units it is
// restarted from other first homes of new units, and all units that may leave their homes are
// placed anew.
inline constexpr std::size_t max_units_for_restarts = 32;
inline constexpr int max_restarts = 64;
// Changes are not counted while all units are placed anew: each changes its home once at most.
static_assert(max_units_for_restarts <= max_changes);

// Gives every unit without a home one if a node has room, in the order of priority and then size,
// and improves the placement. Then lets units roam where that costs less.
void search(Placement& placement);

}  // namespace vnuma
