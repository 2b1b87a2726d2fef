// What the planner remembers from one tick to the next. A value, replaced by learn().
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "policy/model/plan.hpp"

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

// vCPUs of each shard by their places among the cell's, in order. Shards are in the order of their
// first vCPUs.
using Partition = std::vector<std::vector<std::size_t>>;

// How a guest was last divided into shards.
struct ShardHistory {
    Partition partition;
    Millis since = 0;    // when it was last looked at whether others would be better
    int changes = 0;     // of late: others have replaced those that there were
    Millis changed = 0;  // when they last did, if they have

    friend bool operator==(const ShardHistory&, const ShardHistory&) = default;
};

struct History {
    std::map<CellKey, CellHistory> cells;
    std::map<std::string, ShardHistory> shards;  // by uuid

    friend bool operator==(const History&, const History&) = default;
};

}  // namespace vnuma
