// Matches new shards to those that they replace, so that few homes change. Pure.
#pragma once

#include <optional>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

// Reorders the shards of a partition: each takes the number of the former shard whose home has most
// of its memory, or of the one it has most vCPUs in common with. `homes` are those of the former
// shards, where they have any.
Partition match_shards(const WideUse& use, const Partition& partition, const Partition& former,
                       const std::vector<std::optional<NodeIndex>>& homes);

}  // namespace vnuma
