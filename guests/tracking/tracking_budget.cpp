#include "guests/tracking/tracking_budget.hpp"

#include <algorithm>

namespace vnuma {

using std::chrono::nanoseconds;

void TrackingBudget::earn(Time now, nanoseconds run_time, int vcpus) {
    if (run_time_ < nanoseconds(0) || run_time < run_time_ || now <= last_) {
        // What it did before it was seen was not tracked, and earns nothing.
        milli_cpu_ = 0;
    } else {
        const nanoseconds used = std::min<nanoseconds>(run_time - run_time_, (now - last_) * vcpus);
        milli_cpu_ = used * 1000 / (now - last_);
        const nanoseconds earned = used * overhead_ / 1000;
        earned_ += earned;
        balance_ = std::min(balance_ + earned, most_saved * overhead_ / 1000);
    }
    last_ = now;
    run_time_ = run_time;
}

std::string TrackingBudget::why_not(nanoseconds estimate,
                                    std::chrono::milliseconds longest_wait) const {
    if (run_time_ < least_run_time) return "it has not used a second of CPU time yet";
    if (idle()) return "it is idle";
    if (balance_ < nanoseconds(0)) return "its budget is used up";
    const nanoseconds earned_meanwhile =
        nanoseconds(longest_wait) / 1000 * milli_cpu_ / 1000 * overhead_;
    if (estimate > std::max(earned_meanwhile, balance_)) return "its budget does not allow it";
    return "";
}

void AdaptivePeriod::learn(int agreement, bool well_placed) {
    if (agreement < disagreeing)
        length_ = limits_.least;
    else if (well_placed || agreement >= agreeing)
        length_ = std::min(length_ * 2, limits_.most);
}

}  // namespace vnuma
