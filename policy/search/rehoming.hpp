// Better homes step by step: where a unit costs least, and the best moves and the best swaps.
#pragma once

#include <vector>

#include "policy/search/placement.hpp"

namespace vnuma {

// Sweeps over all units; each finds less than the one before.
inline constexpr int max_sweeps = 8;
// Exchanges that are looked at in one sweep, over all pairs of nodes: all there are on small hosts.
// Never fewer than between so many units of each node, so that one that cannot move is not in the
// way of another: beyond 45 nodes that is more, and 8,064 at 64.
inline constexpr std::size_t max_swaps_considered = 4096;
inline constexpr std::size_t least_swap_candidates = 2;

// What is left of a gain that has to win by the margin of what it costs before; nothing, when it
// does not. `balance_counts`: a lower load is a reason.
Cost beyond_margin(const PlannerSettings& settings, Placement::Marginal gain, Cost before,
                   bool balance_counts);

// Gives those of `newcomers` that have no home one where there is room, in their order. Nodes and
// pools are not overfull by more than `overfull` bytes then, if they were not before.
void place(Placement& placement, std::vector<std::size_t> newcomers, Bytes overfull);

// Until nothing improves, or so many known homes have changed; `changes_left` is what is left.
void improve(Placement& placement, int& changes_left);

// As if nobody had a home before: no gain needs the margin. Who may not leave its home stays.
void improve_afresh(Placement& placement);

}  // namespace vnuma
