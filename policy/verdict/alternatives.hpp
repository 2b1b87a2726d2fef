// Why a unit is not on another node: the best of the others, and what that lacks. Pure.
#pragma once

#include "policy/model/plan.hpp"
#include "policy/search/placement.hpp"

namespace vnuma {

// Of one that has a home, after the search: of the nodes that could be had, or else of all, the one
// that costs least. `here`: what it costs at its home.
void describe_alternative(const Placement& placement, std::size_t unit, Placement::Marginal here,
                          Verdict& verdict);

// Of one that has none: the reason as well.
void describe_no_home(const Placement& placement, std::size_t unit, Verdict& verdict);

}  // namespace vnuma
