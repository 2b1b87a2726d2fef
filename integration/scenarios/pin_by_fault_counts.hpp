// What could be done for a wide guest instead of forming shards: the kernel's NUMA balancing moves
// its memory, and each vCPU is pinned to the node where its thread faults most, by that balancing's
// counts. For comparison only.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "integration/host/running_guest.hpp"
#include "integration/scenarios/wide_guest.hpp"

namespace vnuma::lab {

// Faults by node in the text of /proc/PID/task/TID/sched; empty where it does not tell them.
std::map<int, long> numa_faults(const std::string& sched);

// Looks every second, on a host of two nodes, for as long as it lives. The guest must live longer.
class PinByFaultCounts {
  public:
    // At most so many of its vCPUs at one node.
    PinByFaultCounts(const RunningGuest& guest, int most_at_a_node);

  private:
    // Which of the two nodes each vCPU has as its home, bit by bit.
    using Homes = unsigned;

    void run(const std::stop_token& stop);
    void look();
    Homes best_homes(const std::vector<std::map<int, long>>& faults) const;

    const RunningGuest& guest_;
    const int most_at_a_node_;
    Homes homes_ = 0;
    bool pinned_ = false;
    const KernelNumaBalancing kernel_;
    std::jthread thread_;
};

}  // namespace vnuma::lab
