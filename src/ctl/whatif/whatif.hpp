// vnumactl replay and whatif. Both need neither the daemon nor anything of the host.
#pragma once

#include <string>
#include <vector>

#include "src/ctl/context.hpp"

namespace vnuma::ctl {

inline constexpr int exit_plans_differ = 1;  // of a replay
// Entries of replay's JSON. More are only counted.
inline constexpr std::size_t max_listed_differences = 1000;

struct WhatIfOptions {
    std::string file;
    std::vector<std::string> settings;  // "KEY=VALUE"; keys_of_settings()
    int add_nodes = 0;
    std::vector<std::string> without;  // names or UUIDs of guests
};

// Print what they find and return the exit status. Throw UsageError, and RecordingError for a file
// that cannot be read.
int run_whatif(const Context& context, const WhatIfOptions& options);
int run_replay(const Context& context, const std::string& file);

}  // namespace vnuma::ctl
