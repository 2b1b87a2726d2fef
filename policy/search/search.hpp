// Finds a better placement: the best moves and the best swaps, from where things are, until nothing
// improves or enough was changed; on hosts with few units also several changes at once. Bounded,
// deterministic, near-linear in the number of units.
#pragma once

#include "policy/search/rehoming.hpp"

namespace vnuma {

// Known homes changed in one tick; what is left is found again in the next.
inline constexpr int max_changes = 64;
// On hosts with so few units other beginnings are tried, since a search that only ever improves may
// end early: so many for newcomers, and for all that may leave their homes that all of these are
// newcomers.
inline constexpr std::size_t few_units = 32;
inline constexpr int max_beginnings = 64;
// Then changes are not counted: each unit changes its home once.
static_assert(few_units <= max_changes);

// Gives every unit without a home one where there is room: the most important first, of these the
// largest. Then improves.
void search(Placement& placement);

}  // namespace vnuma
