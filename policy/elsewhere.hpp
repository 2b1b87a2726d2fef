// Why a unit is not on another node: the best of the others, and what that lacks. Pure.
#pragma once

#include "policy/placement.hpp"
#include "policy/plan.hpp"

namespace vnuma {

// Of one that has a home, after the search: of the nodes that could be had, or else of all, the one
// that costs least. `here`: what it costs at its home.
void say_why_not_elsewhere(const Placement& placement, std::size_t unit, Placement::Marginal here,
                           Verdict& verdict);

// Of one that has none: the reason as well.
void say_why_nowhere(const Placement& placement, std::size_t unit, Verdict& verdict);

}  // namespace vnuma
