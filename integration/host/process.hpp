// Starting and ending programs of a lab scenario.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace vnuma::lab {

// Starts a program whose output goes to `log` (appended). Throws std::system_error.
pid_t start_program(const std::vector<std::string>& argv, const std::string& log);

// Runs one to its end and returns its exit status, or 128 + the signal it died of. Throws
// std::system_error.
int run_program(const std::vector<std::string>& argv, const std::string& log);

// SIGTERM, then SIGKILL after the grace. Returns the wait status.
int end_program(pid_t pid, std::chrono::seconds grace);

void pause_briefly();

// Polls until the condition holds or the time is over; returns whether it held. Scenarios wait for
// the world, never for the clock.
template <typename Condition>
bool wait_until(Condition condition, std::chrono::seconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        pause_briefly();
    }
    return true;
}

}  // namespace vnuma::lab
