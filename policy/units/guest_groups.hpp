// Units whose guests are members of a group: separated if the group is arranged apart, joined to
// one unit if it is arranged together. Pure.
#pragma once

#include <utility>
#include <vector>

#include "policy/model/planner_settings.hpp"
#include "policy/units/bystanders.hpp"
#include "policy/units/unit.hpp"

namespace vnuma {

// The members of larger groups are not coupled with each other: the number of couplings is the
// square of the number of members.
inline constexpr std::size_t max_coupled_units = 64;

// Separates members of a group that are to be apart and have the same home: all but one lose it. A
// bystander takes precedence, then the member that has had the home longest, then the largest one.
void separate_groups(std::vector<Unit>& units, const std::vector<HeldApart>& held_apart);

// Pairs of cells whose units are to be coupled.
using CoupledCells = std::vector<std::pair<const CellState*, const CellState*>>;

// Joins the cells of each group that is arranged together to one unit. If a member is a bystander,
// and its node has room for the others, the unit may only go there. Returns the cells of the groups
// that no node has room for, which remain units of their own.
CoupledCells join_groups(std::vector<Unit>& units, const Snapshot& snapshot,
                         const PlannerSettings& settings, const Bystanders& bystanders);

// Couples the units of these cells as if half of the accesses of the less busy one went to the
// memory of the other.
void couple_groups(std::vector<Unit>& units, const CoupledCells& cells);

}  // namespace vnuma
