// What one look at the guests found. Nothing here is judged yet; see derive() for that.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guests/guest_memory.hpp"
#include "guests/process.hpp"

namespace vnuma {

struct VcpuSample {
    int id = 0;
    pid_t thread = 0;
    std::uint64_t start_time = 0;
    int last_cpu = -1;
    std::uint64_t run_ns = 0, wait_ns = 0;
    std::vector<int> affinity;  // CPUs it may run on: its affinity within its cpuset
};

struct CellSample {
    int id = 0;
    std::vector<VcpuSample> vcpus;
    std::vector<RamRange> ranges;
    Residency residency;
    std::int64_t size = 0;  // bytes, as configured
};

struct GuestSample {
    std::string uuid;
    std::string name;
    // Why nothing is to be done to it: its state, or something that could not be read.
    std::string unsteady;
    std::string immovable;                   // why its memory cannot be moved
    std::shared_ptr<const Process> process;  // none if it could not be found
    std::vector<int> memory_nodes;           // its cpuset, by the kernel's numbers
    std::vector<CellSample> cells;
};

struct Sample {
    std::chrono::steady_clock::time_point time;
    std::vector<GuestSample> guests;
};

}  // namespace vnuma
