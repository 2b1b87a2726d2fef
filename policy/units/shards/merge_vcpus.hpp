// The first step of forming shards: vCPUs that share memory are kept together. Pure.
#pragma once

#include <cstddef>

#include "policy/model/history.hpp"
#include "policy/units/shards/shard_fit.hpp"
#include "policy/units/shards/vcpu_pairs.hpp"

namespace vnuma {

// Merges single vCPUs into parts, pair by pair: always the two parts with the most common accesses
// for their size. Stops at this number of parts, or when no two parts that fit one shard have
// common accesses.
Partition merge_vcpus(const PairMatrix& common, std::size_t min_parts, const ShardFit& fit);

}  // namespace vnuma
