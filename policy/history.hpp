// What the planner remembers from one tick to the next. A value, replaced by learn().
#pragma once

#include <map>

#include "policy/plan.hpp"

namespace vnuma {

inline constexpr int max_counted_failures = 6;  // the cool-down doubles with each

struct CellHistory {
    NodeIndex home;
    Millis home_since = 0;
    int failures = 0;  // actions in a row that did nothing
};

struct History {
    std::map<CellKey, CellHistory> cells;
};

// What became of one action. `bytes` were brought home; `error` is empty when all went well.
struct ActionResult {
    Action action;
    Bytes bytes = 0;
    std::string error;
};

const CellKey& key_of(const Action& action);

// Homes follow the plan; cells that are gone are forgotten. Pure.
History learn(const History& before, const Snapshot& snapshot, const Plan& plan,
              const std::vector<ActionResult>& results);

}  // namespace vnuma
