// Finds a better placement: the best moves and the best swaps, from where things are, until nothing
// improves or enough was changed. Bounded, deterministic, near-linear in the number of units.
#pragma once

#include "policy/placement.hpp"

namespace vnuma {

// Known homes changed in one tick; what is left is found again in the next.
inline constexpr int max_changes = 64;
// Sweeps over all units; each finds less than the one before.
inline constexpr int max_sweeps = 8;
// Exchanges that are looked at in one sweep, over all pairs of nodes: all there are on small hosts.
// Never fewer than between so many units of each node, so that one that cannot move is not in the
// way of another: beyond 45 nodes that is more, and 8,064 at 64.
inline constexpr std::size_t max_swaps_considered = 4096;
inline constexpr std::size_t least_swap_candidates = 2;
// Other beginnings that are tried for newcomers on hosts with few units, where a search that only
// ever improves may end early.
inline constexpr int max_beginnings = 64;
inline constexpr std::size_t few_units = 32;

static_assert(few_units <= max_changes);

// Gives every unit without a home one where there is room: the most important first, of these the
// largest. Then improves.
void search(Placement& placement);

}  // namespace vnuma
