// Starts and ends programs in a lab host.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace vnuma::lab {

// Starts a program without input whose output is appended to the file `log`. If that is empty, the
// program has our input and output. Throws std::system_error.
pid_t start_program(const std::vector<std::string>& argv, const std::string& log);

// Runs a program to its end. Returns the exit status, or 128 plus the signal that killed it. Throws
// std::system_error.
int run_program(const std::vector<std::string>& argv, const std::string& log = "");

// Sends SIGTERM, and SIGKILL if the program still runs after the grace time. Returns the wait
// status.
int end_program(pid_t pid, std::chrono::seconds grace);

// Stops a process with SIGSTOP for the lifetime of the object.
class StoppedProcess {
  public:
    explicit StoppedProcess(pid_t pid);
    ~StoppedProcess();
    StoppedProcess(const StoppedProcess&) = delete;
    StoppedProcess& operator=(const StoppedProcess&) = delete;

  private:
    pid_t pid_;
};

void pause_briefly();

// Polls until the condition holds or the limit has passed. Returns whether the condition held.
// Scenarios wait for conditions, never for a fixed time.
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
