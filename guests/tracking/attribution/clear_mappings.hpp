// The disturbance that a round is: takes down all that KVM has mapped of a guest's memory, so that
// the next access to each page is a page fault.
#pragma once

#include <chrono>
#include <string>

#include "guests/process/process.hpp"

namespace vnuma {

struct ClearedMappings {
    std::string error;                     // why nothing was taken down; empty if it was
    std::chrono::microseconds stall{0};    // wall-clock time; vCPUs that access memory wait for it
    std::chrono::nanoseconds cpu_time{0};  // CPU time of the calling thread
};

// Blocks for as long as the guest stalls.
ClearedMappings clear_mappings(const Process& process);

}  // namespace vnuma
