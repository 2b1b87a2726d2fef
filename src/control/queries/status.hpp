// The state of vnumad and of the host. Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "src/control/protocol/status.hpp"
#include "src/report/tick.hpp"

namespace vnuma::control {

// What ticks do not tell.
struct ServerFacts {
    std::string version;
    pid_t pid = 0;
    std::int64_t uptime_ms = 0;
    std::string source;                  // as configured
    std::int64_t interval_ms = 0;        // as configured
    std::vector<std::string> trouble{};  // of parts that have no ticks, as sentences
};

// Policy problems of guests that are listed as trouble. One entry tells how many others there are.
inline constexpr std::size_t max_listed_problems = 20;

// Also of a blind tick, and of one as constructed: before the first one.
Status make_status(const Tick& tick, const ServerFacts& facts);

}  // namespace vnuma::control
