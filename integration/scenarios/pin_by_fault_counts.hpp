// An alternative to shards for a wide guest, for comparison only: the kernel's NUMA balancing moves
// the guest's memory, and each vCPU is pinned to the node where its thread has the most NUMA
// hinting faults.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "integration/host/running_guest.hpp"
#include "integration/scenarios/wide_guest.hpp"

namespace vnuma::lab {

// The NUMA hinting faults by node from the text of /proc/PID/task/TID/sched; empty if it has none.
std::map<int, long> numa_faults(const std::string& sched);

// Reads the counts every second, on a host with two nodes, for the lifetime of the object. The
// guest must outlive it.
class PinByFaultCounts {
  public:
    // At most `max_vcpus_per_node` vCPUs are pinned to one node.
    PinByFaultCounts(const RunningGuest& guest, int max_vcpus_per_node);

  private:
    // One bit per vCPU: the number of its home node.
    using Homes = unsigned;

    void run(const std::stop_token& stop);
    void update();
    Homes best_homes(const std::vector<std::map<int, long>>& faults) const;

    const RunningGuest& guest_;
    const int max_vcpus_per_node_;
    Homes homes_ = 0;
    bool pinned_ = false;
    const KernelNumaBalancing kernel_;
    std::jthread thread_;
};

}  // namespace vnuma::lab
