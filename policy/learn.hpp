// What the planner remembers of a tick. Pure.
#pragma once

#include "policy/model/history.hpp"
#include "policy/model/plan.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

// The history after a tick: homes and partitions from the plan, failures from the results of its
// actions. Forgets cells that no longer exist, and homes of cells that may not be acted on.
History learn(History before, const Snapshot& snapshot, const Plan& plan,
              const std::vector<ActionResult>& results);

}  // namespace vnuma
