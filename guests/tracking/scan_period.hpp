// The time from one scan or round of a guest to the next. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "guests/model/settings.hpp"

namespace vnuma {

// The time from the begin of one scan (or round) to that of the next. It doubles, up to a limit, as
// long as scans find what is known already or the guest is well placed, and is the least again
// after a change.
class ScanPeriod {
  public:
    using Time = std::chrono::steady_clock::time_point;
    // Agreement of a scan with what was known, in thousandths: from the first on the period
    // doubles, below the second the guest has changed.
    static constexpr int agreeing = 800, disagreeing = 500;

    ScanPeriod() = default;
    explicit ScanPeriod(PeriodLimits limits) : limits_(limits), length_(limits.least) {}

    bool due(Time now) const { return now >= began_ + length_; }
    std::chrono::milliseconds length() const { return length_; }

    void begin(Time now) { began_ = now; }
    void learn(int agreement, bool well_placed);
    // The shortest period again, since there is a reason for another scan.
    void restart() { length_ = limits_.least; }
    // After a scan that failed or was refused.
    void back_off() { length_ = std::min(length_ * 2, limits_.most); }

  private:
    PeriodLimits limits_{};
    std::chrono::milliseconds length_{0};
    Time began_{};
};

}  // namespace vnuma
