// Homes for all cells. Pure: no clock, no I/O, no state but its arguments.
#pragma once

#include "policy/cost.hpp"
#include "policy/history.hpp"
#include "policy/plan.hpp"
#include "policy/snapshot.hpp"

namespace vnuma {

// Every cell of the snapshot gets a verdict. The result does not depend on the order of guests.
Plan plan(const Snapshot& snapshot, const History& history, const PlannerSettings& settings);

}  // namespace vnuma
