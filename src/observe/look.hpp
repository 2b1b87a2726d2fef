// All that was seen in one tick.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "guests/model/sample.hpp"
#include "src/observe/host.hpp"

namespace vnuma {

// In millionths of a CPU, or short intervals would change nothing.
struct CpuUse {
    // Run time and wait of vCPUs, by thread; none that was seen for the first time.
    std::unordered_map<pid_t, std::int64_t> by_vcpu;
    // By NodeIndex: what was used of its CPUs and not by guests' vCPUs, which count where they ran
    // last. Empty in the first look.
    std::vector<std::int64_t> by_others;
};

// All that was seen in one tick.
struct Look {
    Sample sample;
    HostReading host;
    CpuUse use{};
};

}  // namespace vnuma
