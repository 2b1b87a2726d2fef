// What is to be told of the memory moves of one guest. Data only.
#pragma once

#include <cstdint>

namespace vnuma {

struct GuestMoves {
    // Calls that took more than slow_call_factor times as long as they should, since the guest was
    // first moved.
    std::uint64_t slow_calls = 0;
};

}  // namespace vnuma
