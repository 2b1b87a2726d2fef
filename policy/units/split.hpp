// A guest without vNUMA that fits no node, or is busier than any, is split into shards that do fit.
// The planner places a shard like a cell. Pure.
#pragma once

#include <optional>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/units/access_matrix.hpp"
#include "policy/units/node_capacity.hpp"

namespace vnuma {

// Interval between two repartition checks.
inline constexpr Millis reshard_interval = 10'000;
// Share of all accesses that a new partition must make local: an eighth, as a new home must save
// (PlannerSettings::margin).
inline constexpr PerMille reshard_gain = 125;

// Time for which a new partition is kept, in milliseconds: 20 s after the first change, twice as
// long after each further one, up to 320 s. A partition that has lasted for twice this time resets
// the count.
inline constexpr int max_counted_changes = 5;
Millis reshard_cool_down(const ShardHistory& shards);

// Whether the cell's vCPUs use more than this share of the cores that they may use on any one of
// these nodes. Then one node is too few for it, even if it has as many logical CPUs.
bool is_busier_than_nodes(const Topology& topology, const CellState& cell, NodeSet nodes,
                          PerMille share = 1000);
// A guest that was split because of its load is whole again once one node can serve it like this.
inline constexpr PerMille reunion_load = 750;

// How a guest is divided.
struct Split {
    Partition partition;
    Ownership ownership;  // of extents by these shards
};

struct Shard {
    CellState cell;  // the shard's vCPUs and memory in the form of a cell
    NodeSet fits;    // allowed nodes that hold it
};

struct SplitGuest {
    Split split;
    std::vector<Shard> shards;  // in the order of the partition
    // Time until the next repartition check, in milliseconds, if another partition could be better.
    // The shards keep their homes until then. 0: nothing to wait for.
    Millis next_check = 0;
};

// Nodes among `allowed` that can hold a shard: those with CPUs, and memory there or near.
NodeSet nodes_for_shards(const Topology& topology, NodeSet allowed);

// Whether accesses have been counted and attributed to memory. Before that the guest is not split,
// and existing shards are left as they are.
bool is_access_matrix_known(const GuestState& guest);

// Splits a guest of one cell. Returns nothing if its access matrix is not known, or if fewer than
// two nodes would be used. `former` is its last partition, or null, and `homes` are those of the
// former shards, where they have any.
std::optional<SplitGuest> split_into_shards(const GuestState& guest, const CellState& cell,
                                            const Snapshot& snapshot, const NodeCapacity& capacity,
                                            const ShardHistory* former,
                                            const std::vector<std::optional<NodeIndex>>& homes);

}  // namespace vnuma
