// Why a unit is not on another node: the best of the others, and what prevents that. Pure.
#pragma once

#include <optional>

#include "policy/model/verdict.hpp"
#include "policy/search/placement.hpp"

namespace vnuma {

// The best node other than the unit's home, after the search: the cheapest of the feasible ones, or
// of all that hold the unit if none is feasible. None if no other node holds the unit. `here` is
// what the unit costs at its home, or while it roams.
std::optional<Alternative> best_alternative(const Placement& placement, std::size_t unit,
                                            Placement::Marginal here);

// Time in ms until the unit may change its home, for the two lacks that end by themselves; else 0.
Millis wait_for(const Unit& unit, const std::optional<Alternative>& alternative);

// Why the search found no home for a unit, and the node that comes nearest to being one: where the
// least memory is missing, or else the first that the unit's group keeps it apart from.
struct Homeless {
    Reason reason = Reason::no_room;
    std::optional<Alternative> nearest{};
};
Homeless why_homeless(const Placement& placement, std::size_t unit);

}  // namespace vnuma
