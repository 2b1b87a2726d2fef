// How much of the host's CPUs guests use, and others, between two looks. Pure.
#pragma once

#include <sys/types.h>

#include <optional>
#include <unordered_map>
#include <vector>

#include "guests/sample.hpp"
#include "policy/types.hpp"
#include "src/host.hpp"

namespace vnuma {

// All that was seen in one tick.
struct Look {
    Sample sample;
    HostNow host;
};

// vCPUs of all guests by their threads. They point into the sample.
using Threads = std::unordered_map<pid_t, const VcpuSample*>;
Threads threads_of(const Sample& sample);

// Run time and wait of each vCPU. Nothing when one of the threads was not there before.
std::optional<std::vector<MilliCpu>> cpu_use(const CellSample& cell, const Threads& before,
                                             Millis elapsed);

// What was used of each node's CPUs and not by guests' vCPUs, which count where they ran last.
std::vector<MilliCpu> other_use(const Look& previous, const Threads& before, const Look& current,
                                const Host& host, Millis elapsed);

}  // namespace vnuma
