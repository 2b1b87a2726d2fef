#include "policy/units/shards/form_shards.hpp"

#include <algorithm>
#include <numeric>

#include "policy/units/shards/merge_vcpus.hpp"
#include "policy/units/shards/pack_parts.hpp"
#include "policy/units/shards/refine_shards.hpp"
#include "policy/units/shards/vcpu_pairs.hpp"

namespace vnuma {
namespace {

void sort(Partition& partition) {
    for (auto& shard : partition)
        std::sort(shard.begin(), shard.end());
    std::erase_if(partition, [](const auto& shard) { return shard.empty(); });
    std::sort(partition.begin(), partition.end());
}

}  // namespace

Partition form_shards(const WideUse& use, std::size_t shards, ShardLimits limits) {
    const std::size_t vcpus = use.vcpus();
    if (vcpus == 0) return {};
    shards = std::clamp<std::size_t>(shards, 1, vcpus);
    const std::size_t even_vcpus = (vcpus + shards - 1) / shards;
    limits.vcpus = std::max(limits.vcpus, even_vcpus);
    const MilliCpu all = std::accumulate(use.cpu_use.begin(), use.cpu_use.end(), MilliCpu{0});
    const MilliCpu largest = *std::max_element(use.cpu_use.begin(), use.cpu_use.end());
    // With this limit some shard always has room for one more vCPU.
    const auto count = static_cast<MilliCpu>(shards);
    const MilliCpu even_use = (all + largest * (count - 1)) / count + 1;
    limits.cpu_use = std::max(limits.cpu_use, even_use);
    const ShardFit fit(use, limits), even(use, {even_vcpus, limits.bytes, even_use});
    // Sharing of memory decides as far as nodes have the capacity. Where memory is decides only
    // among even shards, since memory can be moved and work cannot be reduced.
    const PairMatrix common = common_accesses(use), colocated = colocation(use);
    Partition partition =
        pack_parts(merge_vcpus(common, shards, fit), shards, colocated, fit, even);
    if (vcpus <= max_refined_vcpus) refine_shards(partition, common, colocated, fit, even);
    sort(partition);
    return partition;
}

bool within_limits(const WideUse& use, const Partition& partition, ShardLimits limits) {
    const ShardFit fit(use, {limits.vcpus, limits.bytes});
    return std::all_of(partition.begin(), partition.end(),
                       [&](const auto& shard) { return fit.fits(shard); });
}

}  // namespace vnuma
