// When a guest may be looked at, and how often: what tracking takes is a share of the CPU time the
// guest itself uses, so that busy guests are known well and idle ones cost nothing. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "guests/model/settings.hpp"

namespace vnuma {

// A guest that has used less since it was started is not worth it (sched/numa and numa/core: one
// second of run time).
inline constexpr std::chrono::nanoseconds least_run_time = std::chrono::seconds(1);
// Thousandths of a CPU: below this a guest is idle, and where its memory is hardly matters.
inline constexpr int idle_milli_cpu = 50;
// What an idle time saves up is worth no more than this much of the guest's own run time.
inline constexpr std::chrono::nanoseconds most_saved = std::chrono::seconds(60);

class TrackingBudget {
  public:
    TrackingBudget() = default;
    explicit TrackingBudget(int overhead_permille) : overhead_(overhead_permille) {}

    using Time = std::chrono::steady_clock::time_point;

    // `run_time` is what all vCPUs have used since the guest was started. One that has gone back (a
    // vCPU was unplugged) begins anew. More than so many vCPUs can have used since the last call
    // (one was not seen then) is not earned.
    void earn(Time now, std::chrono::nanoseconds run_time, int vcpus);

    // What a look took. It may be more than there is; the guest has to earn it first then before
    // the next one.
    void charge(std::chrono::nanoseconds cost) {
        balance_ -= std::max(cost, std::chrono::nanoseconds(0));
        spent_ += std::max(cost, std::chrono::nanoseconds(0));
    }

    // Whether a look may begin that will take about `estimate`: the guest is not idle, nothing is
    // owed, and the guest earns as much within `longest_wait`. Otherwise why not.
    bool allows(std::chrono::nanoseconds estimate, std::chrono::milliseconds longest_wait) const {
        return why_not(estimate, longest_wait).empty();
    }
    std::string why_not(std::chrono::nanoseconds estimate,
                        std::chrono::milliseconds longest_wait) const;

    bool idle() const { return milli_cpu_ < idle_milli_cpu; }
    // Thousandths of a CPU that the guest used last.
    std::int64_t milli_cpu() const { return milli_cpu_; }
    std::chrono::nanoseconds earned() const { return earned_; }
    std::chrono::nanoseconds spent() const { return spent_; }

  private:
    std::int64_t overhead_ = 0;
    Time last_{};
    std::chrono::nanoseconds run_time_{-1};  // none yet
    std::int64_t milli_cpu_ = 0;             // used between the two last calls of earn()
    std::chrono::nanoseconds balance_{0}, earned_{0}, spent_{0};
};

// The time from one look to the next: doubled, up to the most, while looks find what is known
// already or all is as it should be; the least again after a change.
class AdaptivePeriod {
  public:
    using Time = std::chrono::steady_clock::time_point;
    // Looks that agree this well, of 1000, teach little; those below the other show a change.
    static constexpr int agreeing = 800, disagreeing = 500;

    AdaptivePeriod() = default;
    explicit AdaptivePeriod(PeriodLimits limits) : limits_(limits), length_(limits.least) {}

    bool due(Time now) const { return now >= began_ + length_; }
    std::chrono::milliseconds length() const { return length_; }

    void begin(Time now) { began_ = now; }
    void learn(int agreement, bool well_placed);
    // As soon as may be, since there is a reason to look again.
    void restart() { length_ = limits_.least; }
    // A look that failed.
    void back_off() { length_ = std::min(length_ * 2, limits_.most); }

  private:
    PeriodLimits limits_{};
    std::chrono::milliseconds length_{0};
    Time began_{};
};

}  // namespace vnuma
