// How much tracking one guest may cost, and how often it is scanned. The budget is a share of the
// CPU time that the guest itself uses, so that busy guests are known well and idle ones cost
// nothing. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "guests/model/settings.hpp"

namespace vnuma {

// A guest that has used less CPU time since it was started is not tracked (as in sched/numa and
// numa/core, which begin after one second of run time).
inline constexpr std::chrono::nanoseconds least_run_time = std::chrono::seconds(1);
// A guest that uses less, in thousandths of a CPU, is idle, and where its memory is hardly matters.
inline constexpr int idle_milli_cpu = 50;
// Limit of what a guest saves up while it is not tracked, as CPU time of its own that earns as
// much.
inline constexpr std::chrono::nanoseconds most_saved = std::chrono::seconds(60);

class TrackingBudget {
  public:
    TrackingBudget() = default;
    explicit TrackingBudget(int overhead_permille) : overhead_(overhead_permille) {}

    using Time = std::chrono::steady_clock::time_point;

    // Earns the guest's share for the time since the last call. `run_time` is the CPU time that all
    // its vCPUs have used since it was started. Nothing is earned if that has decreased, as it does
    // when a vCPU is unplugged, nor for more than `vcpus` can have used since the last call, which
    // happens when a vCPU was not read then.
    void earn(Time now, std::chrono::nanoseconds run_time, int vcpus);

    // Spends CPU time, which may be more than was earned: then nothing else begins before the guest
    // has earned the rest.
    void charge(std::chrono::nanoseconds cost) {
        balance_ -= std::max(cost, std::chrono::nanoseconds(0));
        spent_ += std::max(cost, std::chrono::nanoseconds(0));
    }

    // Whether a scan or round that takes about `estimate` may begin: the guest is not idle, owes
    // nothing, and has saved as much or earns it within `longest_wait`.
    bool allows(std::chrono::nanoseconds estimate, std::chrono::milliseconds longest_wait) const {
        return why_not(estimate, longest_wait).empty();
    }
    // Why it may not begin; empty if it may.
    std::string why_not(std::chrono::nanoseconds estimate,
                        std::chrono::milliseconds longest_wait) const;

    bool idle() const { return milli_cpu_ < idle_milli_cpu; }
    // CPU use between the two last calls of earn(), in thousandths of a CPU.
    std::int64_t milli_cpu() const { return milli_cpu_; }
    std::chrono::nanoseconds earned() const { return earned_; }
    std::chrono::nanoseconds spent() const { return spent_; }

  private:
    std::int64_t overhead_ = 0;  // per mille of the guest's CPU time
    Time last_{};
    std::chrono::nanoseconds run_time_{-1};  // at the last call of earn(); -1 before the first
    std::int64_t milli_cpu_ = 0;
    std::chrono::nanoseconds balance_{0}, earned_{0}, spent_{0};
};

}  // namespace vnuma
