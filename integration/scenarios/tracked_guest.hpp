// A vnumad that tracks one guest, and its reports of the guest, for the tables about access
// tracking.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "integration/host/daemon.hpp"
#include "integration/host/running_guest.hpp"

namespace vnuma::lab {

class TrackedGuest {
  public:
    // Starts vnumad and returns when it has reported the guest. Throws std::runtime_error if vnumad
    // ends, reports nothing, or has no access tracking.
    TrackedGuest(const RunningGuest& guest, const std::string& config);

    using Clock = std::chrono::steady_clock;
    // The time just before vnumad was started.
    Clock::time_point started() const { return started_; }
    pid_t pid() const { return vnumad_.pid(); }

    // vnumad's last report of the guest. Throws std::runtime_error if vnumad has ended.
    const nlohmann::json& last();

    // Waits until the given time and returns last().
    const nlohmann::json& at(Clock::time_point time);

  private:
    [[noreturn]] void fail(const std::string& what);

    std::string guest_;
    Clock::time_point started_ = Clock::now();
    Daemon vnumad_;
    nlohmann::json last_;
};

}  // namespace vnuma::lab
