// How much memory may come to a node.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "policy/model/planner_settings.hpp"
#include "src/act/kernel_calls.hpp"

namespace vnuma {

// For one thread at a time. Calls block.
class TargetMemory {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // Below its high watermarks a node is reclaimed, and what cannot wait (atomic allocations) uses
    // up the rest. As much again stays free, so that a call does not get there by itself.
    static constexpr Bytes high_watermarks_kept = 2;
    // The watermarks change with sysctls and memory hotplug only.
    static constexpr std::chrono::seconds watermark_age{60};

    TargetMemory(Kernel& kernel, const PlannerSettings& settings)
        : kernel_(kernel), settings_(settings) {}

    struct Room {
        Bytes bytes = 0;
        std::string refusal{};  // why nothing may come; empty if so many bytes may
    };

    // For memory of a pool of huge pages, or for ordinary memory if `hugetlb_page` is 0. There is
    // room for at least one huge page, or none.
    Room read(const HostNode& node, Bytes hugetlb_page, Time now);

  private:
    struct Watermark {
        Bytes bytes = 0;
        Time read{};
    };

    Room read_ordinary(const HostNode& node, Time now);
    Bytes high_watermark(int node_id, Time now);

    Kernel& kernel_;
    const PlannerSettings& settings_;
    std::map<int, Watermark> watermarks_;  // by the kernel's node number
};

}  // namespace vnuma
