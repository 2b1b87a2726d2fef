// A guest that fits no node, cut into shards that do: cells of their own for the planner. Pure.
#pragma once

#include <optional>
#include <vector>

#include "policy/empty_nodes.hpp"
#include "policy/history.hpp"

namespace vnuma {

// How often it is looked at whether other shards would be better;
inline constexpr Millis shards_last = 10'000;
// they replace those that there are only where so much less would be remote.
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
    // Others might be better, and that will be looked at in so long: until then homes are kept.
    Millis due = 0;
};

// Nodes that can hold a part of a guest: shards need two.
NodeSet nodes_for_shards(const Topology& topology, NodeSet allowed);

// Of a guest of one cell. Until then it is left alone, or its shards as they are.
bool is_known_who_touches_what(const GuestState& guest);

// Nothing for a guest of several cells, or as long as it is not known who touches what, or where
// fewer than two nodes would be of use. `before`: its shards of the last tick, or null; `homes`:
// theirs, where they have any.
std::optional<Cut> cut_into_shards(const GuestState& guest, const CellState& cell,
                                   const Snapshot& snapshot, const EmptyNodes& empty,
                                   const ShardHistory* before,
                                   const std::vector<std::optional<NodeIndex>>& homes);

}  // namespace vnuma
