// A guest without vNUMA that fits no node is placed in shards: vCPUs that use the same memory, few
// enough for one node. Pure.
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "policy/units/access_matrix.hpp"

namespace vnuma {

// Above so many vCPUs, exchanges between shards are not tried one by one.
inline constexpr std::size_t max_refined_vcpus = 128;

// What one node holds: vCPUs, memory that they alone touch, and of what they use what it has CPUs
// for (when shards are formed; later that changes too often).
struct ShardLimits {
    std::size_t vcpus = 0;
    Bytes bytes = 0;
    MilliCpu use = std::numeric_limits<MilliCpu>::max() / 2;
};

// So many shards (fewer, when there are fewer vCPUs; more, when the limits want that); vCPUs that
// touch the same groups of memory are together as far as that goes. Without anything known, evenly.
Partition form_shards(const WideUse& use, std::size_t shards, ShardLimits most);

// Whether every shard is within the limits.
bool keeps(const WideUse& use, const Partition& partition, ShardLimits most);

// The same partition, its shards where those of `before` were whose home has most of their memory,
// or that they have most vCPUs in common with: so homes stay. `homes`: of those before, where
// known.
Partition relabelled(const WideUse& use, const Partition& partition, const Partition& before,
                     const std::vector<std::optional<NodeIndex>>& homes);

}  // namespace vnuma
