// Divides a guest without vNUMA that fits no node into shards: vCPUs that access the same memory,
// few enough for one node. Pure.
#pragma once

#include "policy/model/history.hpp"
#include "policy/units/shards/shard_fit.hpp"

namespace vnuma {

// For guests with more vCPUs, exchanges of single vCPUs are not tried: each takes time in
// proportion to the square of their number.
inline constexpr std::size_t max_refined_vcpus = 128;

// Divides the vCPUs into this number of shards: fewer if there are fewer vCPUs, more if the limits
// require it. vCPUs that access the same extents are in one shard as far as the limits allow.
// Without any known accesses the shards are even. vCPUs are in ascending order within a shard, and
// shards in the order of their first vCPUs.
Partition form_shards(const WideUse& use, std::size_t shards, ShardLimits limits);

// Whether every shard is within the limits on vCPUs and memory.
bool within_limits(const WideUse& use, const Partition& partition, ShardLimits limits);

}  // namespace vnuma
