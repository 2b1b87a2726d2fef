// What the planner remembers from one tick to the next. A value, replaced by learn().
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "policy/model/plan.hpp"

namespace vnuma {

// Failures beyond this number no longer lengthen the retry interval and the cool-down.
inline constexpr int max_counted_failures = 6;
// Each failure in a row doubles the interval until the next attempt: 10 s after the first failure,
// 320 s after the sixth.
inline constexpr Millis retry_interval = 5'000;

// A guest's homes may change so often in any stretch of this length.
inline constexpr Millis changes_window = 3'600'000;

struct CellHistory {
    NodeIndex home;
    Millis home_since = 0;  // last change; begin of the cool-down
    int failures = 0;       // ticks with a failed action of the cell since it was last settled
    Millis retry_at = 0;    // no action of the cell is taken before this time
    bool roams = false;     // has given up that home

    friend bool operator==(const CellHistory&, const CellHistory&) = default;
};

// The vCPUs of each shard, as sorted indexes into the cell's vCPUs. The index of a shard here is
// its number in CellKey.
using Partition = std::vector<std::vector<std::size_t>>;

// How a guest was last divided into shards.
struct ShardHistory {
    Partition partition;
    Millis since = 0;    // time of the last repartition check
    int changes = 0;     // recent changes of the partition; lengthens the cool-down
    Millis changed = 0;  // time of the last of these changes

    friend bool operator==(const ShardHistory&, const ShardHistory&) = default;
};

struct History {
    std::map<CellKey, CellHistory> cells;
    std::map<std::string, ShardHistory> shards;  // by UUID
    // When homes of a guest changed in the last hour, ascending, at most max_changes_per_hour; by
    // UUID.
    std::map<std::string, std::vector<Millis>> changes{};

    friend bool operator==(const History&, const History&) = default;
};

}  // namespace vnuma
