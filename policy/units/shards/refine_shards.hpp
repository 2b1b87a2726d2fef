// The third step of forming shards: exchanges of single vCPUs. Pure.
#pragma once

#include "policy/model/history.hpp"
#include "policy/units/shards/shard_fit.hpp"
#include "policy/units/shards/vcpu_pairs.hpp"

namespace vnuma {

// Exchanges pairs of vCPUs while that increases the common accesses within shards, or leaves them
// the same and increases the colocation. Exchanges of the latter kind must keep the shards `even`.
// The algorithm is that of Kernighan and Lin (1970) without its look-ahead. The number of exchanges
// is limited to the number of vCPUs.
void refine_shards(Partition& shards, const PairMatrix& common, const PairMatrix& colocation,
                   const ShardFit& fit, const ShardFit& even);

}  // namespace vnuma
