// Better homes step by step: the node where a unit costs least, the best moves, the best swaps.
#pragma once

#include <vector>

#include "policy/search/placement.hpp"

namespace vnuma {

// Sweeps over all units in one call. Each finds less to improve than the one before.
inline constexpr int max_sweeps = 8;
// Swaps considered in one sweep, over all pairs of nodes. Small hosts have fewer.
inline constexpr std::size_t max_swaps_considered = 4096;
// But of each node of a pair at least this many units are considered, so that one that cannot move
// does not prevent all swaps. From 46 nodes on this exceeds the limit: 8,064 swaps for 64 nodes.
inline constexpr std::size_t least_swap_candidates = 2;

// The gain, if it exceeds the margin of the cost before and is more than noise, else 0. A gain that
// comes from a lower CPU load counts only if `load_matters` (Placement::load_matters).
Cost gain_above_margin(const PlannerSettings& settings, Placement::Marginal gain, Cost before,
                       bool load_matters);

// Gives each of `newcomers` that has no home the cheapest node with room, or lets it roam where
// that costs less, in their order. No node is further above its limits than `before` afterwards.
void place(Placement& placement, std::vector<std::size_t> newcomers,
           const Placement::Excess& before);

// Moves and swaps units until nothing improves or `changes_left` units have left a former home;
// counts them down. A unit leaves a former home only for a gain above the margin, or to relieve a
// node that is short of memory.
void improve(Placement& placement, int& changes_left);

// The same with roaming as one more place. A unit that roamed before has to gain the margin, too.
void improve_with_roaming(Placement& placement, int& changes_left);

// Like improve(), as if all homes were new: any gain counts, and changes are not limited. Units
// that may not leave their homes stay.
void improve_without_margin(Placement& placement);

}  // namespace vnuma
