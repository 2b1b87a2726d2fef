// One second of a guest's workload.
#pragma once

#include <functional>

#include "integration/host/running_guest.hpp"

namespace vnuma::lab {

struct GuestSecond {
    double accesses = 0;  // of 4 KiB pages, by all threads
    double stall_ms = 0;  // the longest time that one thread was held up
};

// The next second that the guest reports. `meanwhile` is called repeatedly until then. Throws
// std::runtime_error if no report arrives.
GuestSecond next_second(RunningGuest& guest, const std::function<void()>& meanwhile);

}  // namespace vnuma::lab
