// What the planner remembers from one tick to the next. A value, replaced by learn().
#pragma once

#include <map>

#include "policy/plan.hpp"
#include "policy/shards.hpp"

namespace vnuma {

inline constexpr int max_counted_failures = 6;  // waits and the cool-down double with each
inline constexpr Millis first_retry = 5'000;    // after the first failure: twice this

struct CellHistory {
    NodeIndex home;
    Millis home_since = 0;
    int failures = 0;     // ticks in a row in which an action of the cell failed
    Millis retry_at = 0;  // no action before

    friend bool operator==(const CellHistory&, const CellHistory&) = default;
};

// How a guest was last divided into shards.
struct ShardHistory {
    Partition partition;
    Millis since = 0;    // when it was last looked at whether others would be better
    int changes = 0;     // of late: others have replaced those that there were
    Millis changed = 0;  // when they last did, if they have

    friend bool operator==(const ShardHistory&, const ShardHistory&) = default;
};

// How long shards stay once they have replaced others: twice as long each time (20 to 320 s),
// until none have for twice as long.
inline constexpr int max_counted_changes = 5;
Millis shards_stay(const ShardHistory& shards);

struct History {
    std::map<CellKey, CellHistory> cells;
    std::map<std::string, ShardHistory> shards;  // by uuid

    friend bool operator==(const History&, const History&) = default;
};

// What became of one action. `bytes` were brought home; `error` is empty when all went well.
struct ActionResult {
    Action action;
    Bytes bytes = 0;
    std::string error;
};

const CellKey& key_of(const Action& action);

// Homes follow the plan; cells that are gone are forgotten, as are homes that nobody may act on.
// Pure.
History learn(History before, const Snapshot& snapshot, const Plan& plan,
              const std::vector<ActionResult>& results);

}  // namespace vnuma
