// What a guest's workload did in one second.
#pragma once

#include <functional>

#include "integration/host/running_guest.hpp"

namespace vnuma::lab {

struct GuestSecond {
    double accesses = 0;  // of 4 KiB pages, by all threads
    double stall_ms = 0;  // the longest time that one of them was held up
};

// The next that the guest tells of; `meanwhile` is called again and again while it is waited for.
// Throws std::runtime_error when the guest has fallen silent.
GuestSecond next_second(RunningGuest& guest, const std::function<void()>& meanwhile);

}  // namespace vnuma::lab
