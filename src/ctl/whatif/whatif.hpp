// vnumactl replay and whatif. Both need neither the daemon nor anything of the host.
#pragma once

#include <string>
#include <vector>

namespace vnuma::ctl {

// Exit statuses of both, beside 0.
inline constexpr int exit_plans_differ = 1;   // of a replay
inline constexpr int exit_bad_arguments = 2;  // also: a file that cannot be read

struct WhatIfOptions {
    std::string file;
    std::vector<std::string> settings;  // "KEY=VALUE"; keys_of_settings()
    int add_nodes = 0;
    std::vector<std::string> without;  // names or UUIDs of guests
    bool json = false;
};

// Writes to standard output, and problems to standard error. Return the exit status.
int run_whatif(const WhatIfOptions& options);
int run_replay(const std::string& file);

}  // namespace vnuma::ctl
