// What is remembered of a tick for the next one. Pure.
#pragma once

#include "policy/model/history.hpp"
#include "policy/model/plan.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

// Homes follow the plan; cells that are gone are forgotten, as are homes that nobody may act on.
// Pure.
History learn(History before, const Snapshot& snapshot, const Plan& plan,
              const std::vector<ActionResult>& results);

}  // namespace vnuma
