// What this kernel and this process must be able to do before vnumad starts.
#pragma once

#include <string>
#include <vector>

#include "src/observe/privileges.hpp"

namespace vnuma {

// What was found. It is apart from the judgement so that a test can show each lack.
struct Abilities {
    bool pidfd = false;               // pidfd_open(2), Linux 5.3
    bool move_pages = false;          // move_pages(2), a kernel built with NUMA and migration
    bool schedstat = false;           // /proc/PID/schedstat
    std::vector<int> capabilities{};  // those that are effective
};

Abilities probe_abilities();

// One sentence for each thing that is missing: what every vnumad needs, and the required ones of
// these uses. Empty when nothing is. Pure.
std::vector<std::string> missing_abilities(const Abilities& found,
                                           const std::vector<CapabilityUse>& uses);

}  // namespace vnuma
