// A guest without vNUMA that fits no node is placed in shards: vCPUs that use the same memory, few
// enough for one node. Pure.
#pragma once

#include <vector>

#include "policy/snapshot.hpp"

namespace vnuma {

// vCPUs of each shard by their places among the cell's, in order. Shards are in the order of their
// first vCPUs.
using Partition = std::vector<std::vector<std::size_t>>;

// Above so many vCPUs, exchanges between shards are not tried one by one.
inline constexpr std::size_t max_refined_vcpus = 128;

// What one node holds: vCPUs, and memory that they alone touch.
struct ShardLimits {
    std::size_t vcpus = 0;
    Bytes bytes = 0;
};

// So many shards (fewer, when there are fewer vCPUs; more, when the limits want that); vCPUs that
// touch the same groups of memory are together as far as that goes. Without anything known, evenly.
Partition form_shards(const WideUse& use, std::size_t shards, ShardLimits most);

// Whether every shard is within the limits.
bool keeps(const WideUse& use, const Partition& partition, ShardLimits most);

// Share of what is touched that another shard touches more: it would be remote.
PerMille crossing(const WideUse& use, const Partition& partition);

// Share of what is touched that is elsewhere than most of what its shard touches: pins alone cannot
// make it local.
PerMille scattered(const WideUse& use, const Partition& partition);

// The same partition, its shards where those of `before` were whose home has most of their memory,
// or that they have most vCPUs in common with: so homes stay. `homes`: of those before, where
// known.
Partition relabelled(const WideUse& use, const Partition& partition, const Partition& before,
                     const std::vector<std::optional<NodeIndex>>& homes);

// Touches of a group by shard, and the shard that has most of them: the group is its.
inline constexpr std::size_t nobodys = static_cast<std::size_t>(-1);
struct Ownership {
    std::vector<std::vector<std::uint64_t>> touches;  // by shard and group
    std::vector<std::size_t> owner;                   // by group; nobodys: it was never touched
};
Ownership ownership_of(const WideUse& use, const Partition& partition);

// The part of all touches below which others' are chance. In eleven observations in which one of
// two comes first by chance (TouchMatrix), what was seen of the other fades to that.
inline constexpr std::uint64_t only_part = 32;
inline bool is_nearly_all(std::uint64_t touches, std::uint64_t all) {
    return touches * only_part >= all * (only_part - 1);
}
// Whether no other shard touches this group.
bool belongs_to(const Ownership& ownership, std::size_t group, std::size_t shard);

// Of what each shard touches, how much each other one touches more than any, of 1000.
std::vector<std::vector<PerMille>> touches_of_others(const WideUse& use,
                                                     const Partition& partition);

}  // namespace vnuma
