// Divides the CPUs of a host into pools by who may use them. Pure.
#pragma once

#include <set>
#include <vector>

#include "policy/model/snapshot.hpp"
#include "src/observe/host.hpp"

namespace vnuma {

// With more different sets of CPUs, or more pools (max_cpu_pools), each node is one pool: who may
// use which of its CPUs is not looked at then.
inline constexpr std::size_t max_cpu_sets = 128;

class CpuPools {
  public:
    // `sets` are the CPUs that each cell may use, sorted. A cell without vCPUs has none.
    CpuPools(const Host& host, const std::set<std::vector<int>>& sets);

    // Topology::pools: empty if all cells may use all CPUs.
    const std::vector<CpuPool>& pools() const { return pools_; }
    // CellState::cpu_pools.
    std::vector<std::size_t> usable_by(const std::vector<int>& cpus) const;

  private:
    std::vector<CpuPool> pools_;
    std::vector<int> first_cpu_;  // by pool
};

}  // namespace vnuma
