// A guest that fits no node, cut into shards that do: cells of their own for the planner. Pure.
#pragma once

#include <optional>
#include <vector>

#include "policy/cost.hpp"
#include "policy/history.hpp"

namespace vnuma {

// Shards are formed anew no sooner than this after they last changed,
inline constexpr Millis shards_last = 10'000;
// and only where so much less would be remote.
inline constexpr PerMille shards_gain = 125;

struct Shards {
    Partition partition;
    Ownership ownership;
};

// Cells in the order of the partition, and the nodes that hold each.
struct Cut {
    Shards shards;
    std::vector<CellState> cells;
    std::vector<NodeSet> fits;
};

// Nothing for a guest of several cells, or as long as it is not known which vCPU touches what, or
// where fewer than two nodes would be of use. `before`: its shards of the last tick, or null.
std::optional<Cut> cut_into_shards(const GuestState& guest, const CellState& cell,
                                   const Snapshot& snapshot, const ShardHistory* before,
                                   const PlannerSettings& settings);

// Nodes with CPUs and memory on which so much fits if nothing else is there.
NodeSet nodes_that_hold(const Topology& topology, int vcpus, Bytes bytes,
                        const PlannerSettings& settings);

}  // namespace vnuma
