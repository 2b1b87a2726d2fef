// What is to be told of the memory moves of one guest. Data only.
#pragma once

#include <cstdint>
#include <string>

#include "src/act/latency_guard.hpp"

namespace vnuma {

struct GuestMoves {
    // Calls that took more than slow_call_factor times as long as they should, since the guest was
    // first seen.
    std::uint64_t slow_calls = 0;
    LatencyGuard::Pace pace = LatencyGuard::Pace::full;
    int slowdown = 1;
    int pauses = 0;
    std::string felt{};  // what the guest feels, and what follows from that; empty with full pace
};

}  // namespace vnuma
