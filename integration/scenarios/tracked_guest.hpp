// vnumad beside one guest, as the tables about access tracking see it.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "integration/host/daemon.hpp"
#include "integration/host/running_guest.hpp"

namespace vnuma::lab {

class TrackedGuest {
  public:
    // Returns once the guest is in a report. Throws std::runtime_error when vnumad ends, is silent,
    // or says nothing of access tracking.
    TrackedGuest(const RunningGuest& guest, const std::string& config);

    using Clock = std::chrono::steady_clock;
    // Just before vnumad was started.
    Clock::time_point started() const { return started_; }
    pid_t pid() const { return vnumad_.pid(); }

    // What vnumad has last said of the guest. Throws std::runtime_error when vnumad has ended.
    const nlohmann::json& last();

    // As last(), once the time has come.
    const nlohmann::json& at(Clock::time_point time);

  private:
    [[noreturn]] void fail(const std::string& what);

    std::string guest_;
    Clock::time_point started_ = Clock::now();
    Daemon vnumad_;
    nlohmann::json last_;
};

}  // namespace vnuma::lab
