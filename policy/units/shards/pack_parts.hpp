// The second step of forming shards: parts without common accesses are packed into shards. Pure.
#pragma once

#include <cstddef>

#include "policy/model/history.hpp"
#include "policy/units/shards/shard_fit.hpp"
#include "policy/units/shards/vcpu_pairs.hpp"

namespace vnuma {

// Packs parts into this number of shards, or more if they do not fit. Parts whose memory is on the
// same nodes go into one shard, as long as the shards stay `even`. A part that fits no shard as a
// whole is divided among the shards, or becomes a shard of its own.
Partition pack_parts(Partition parts, std::size_t shards, const PairMatrix& colocation,
                     const ShardFit& fit, const ShardFit& even);

}  // namespace vnuma
