// A guest that fits no node, cut into shards that do: cells of their own for the planner. Pure.
#pragma once

#include <optional>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/units/node_capacity.hpp"
#include "policy/units/shards.hpp"

namespace vnuma {

// How often it is looked at whether other shards would be better;
inline constexpr Millis reshard_interval = 10'000;
// they replace those that there are only where so much less would be remote.
inline constexpr PerMille reshard_gain = 125;

// How long shards stay once they have replaced others: twice as long each time (20 to 320 s),
// until none have for twice as long.
inline constexpr int max_counted_changes = 5;
Millis reshard_cool_down(const ShardHistory& shards);

struct Shards {
    Partition partition;
    Ownership ownership;
};

// Cells in the order of the partition, and the nodes that hold each.
struct SplitGuest {
    Shards shards;
    std::vector<CellState> cells;
    std::vector<NodeSet> fits;
    // Others might be better, and that will be looked at in so long: until then homes are kept.
    Millis due = 0;
};

// Nodes that can hold a part of a guest: shards need two.
NodeSet nodes_for_shards(const Topology& topology, NodeSet allowed);

// Of a guest of one cell. Until then it is left alone, or its shards as they are.
bool is_access_matrix_known(const GuestState& guest);

// Nothing for a guest of several cells, or as long as it is not known who touches what, or where
// fewer than two nodes would be of use. `before`: its shards of the last tick, or null; `homes`:
// theirs, where they have any.
std::optional<SplitGuest> split_into_shards(const GuestState& guest, const CellState& cell,
                                            const Snapshot& snapshot, const NodeCapacity& capacity,
                                            const ShardHistory* before,
                                            const std::vector<std::optional<NodeIndex>>& homes);

}  // namespace vnuma
