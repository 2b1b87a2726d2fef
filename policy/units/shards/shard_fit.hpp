// Whether vCPUs fit into one shard. Pure.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma {

using VcpuIndexes = std::vector<std::size_t>;  // indexes into the cell's vCPUs

// What one node holds.
struct ShardLimits {
    std::size_t vcpus = 0;
    Bytes bytes = 0;  // of private memory
    // A limit only when shards are formed: later CPU use changes too often.
    MilliCpu cpu_use = std::numeric_limits<MilliCpu>::max() / 2;
};

class ShardFit {
  public:
    ShardFit(const WideUse& use, ShardLimits limits);

    // Whether all these vCPUs fit into one shard.
    bool fits(const VcpuIndexes& a, const VcpuIndexes& b = {}) const;
    // Whether a shard still fits when one vCPU replaces another. The number of vCPUs stays the
    // same. A vCPU with no more memory and CPU use than the replaced one always fits.
    bool fits_replaced(const VcpuIndexes& shard, std::size_t in, std::size_t out) const;
    // Share of a node that these vCPUs take, by number or by memory, whichever is greater.
    PerMille node_share(const VcpuIndexes& vcpus) const;
    MilliCpu cpu_use(const VcpuIndexes& vcpus) const;

  private:
    Bytes bytes(const VcpuIndexes& vcpus) const;

    const std::vector<Bytes> bytes_;  // private memory, by vCPU
    const std::vector<MilliCpu> cpu_use_;
    const ShardLimits limits_;
};

}  // namespace vnuma
