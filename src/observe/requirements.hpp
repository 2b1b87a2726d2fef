// What this kernel and this process must be able to do before vnumad starts.
#pragma once

#include <string>
#include <vector>

#include "src/config/config.hpp"

namespace vnuma {

// What was found. It is apart from the judgement so that a test can show each lack.
struct Abilities {
    bool pidfd = false;       // pidfd_open(2), Linux 5.3
    bool move_pages = false;  // move_pages(2), a kernel built with NUMA and migration
    bool schedstat = false;   // /proc/PID/schedstat
    bool sys_ptrace = false;  // CAP_SYS_PTRACE
    bool sys_nice = false;    // CAP_SYS_NICE
};

Abilities probe_abilities();

// One sentence for each thing that is missing for this mode; empty when nothing is. Pure.
std::vector<std::string> missing_abilities(const Abilities& found, Mode mode);

}  // namespace vnuma
