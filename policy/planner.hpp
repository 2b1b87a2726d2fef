// Plans homes for all cells of a host. Pure: no clock, no I/O, no state but its arguments.
#pragma once

#include "policy/model/history.hpp"
#include "policy/model/plan.hpp"
#include "policy/model/planner_settings.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

// Every cell of the snapshot gets a verdict. The result does not depend on the order of guests.
Plan plan(const Snapshot& snapshot, const History& history, const PlannerSettings& settings);

}  // namespace vnuma
