// All that one tick has seen of the host and its guests.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "guests/model/sample.hpp"
#include "src/observe/host.hpp"

namespace vnuma {

// In millionths of a CPU, since thousandths would round short intervals away.
struct CpuUse {
    // Run time and waiting time of each vCPU, by thread; without threads that are new.
    std::unordered_map<pid_t, std::int64_t> by_vcpu;
    // Run time of the threads and processes that serve a guest, by its uuid: QEMU without its
    // vCPUs, vhost, helpers.
    std::unordered_map<std::string, std::int64_t> by_service;
    // What others than guests and those that serve them use of each node's CPUs, by NodeIndex:
    // averaged as the rest, and over a longer time. Empty in the first look.
    std::vector<std::int64_t> by_others, by_others_lastingly;
};

struct Look {
    Sample sample;
    HostReading host;
    CpuUse use{};
};

}  // namespace vnuma
