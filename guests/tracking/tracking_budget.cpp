#include "guests/tracking/tracking_budget.hpp"

#include <algorithm>

namespace vnuma {

using std::chrono::nanoseconds;

void TrackingBudget::earn(Time now, nanoseconds run_time, int vcpus) {
    if (run_time_ < nanoseconds(0) || run_time < run_time_ || now <= last_) {
        // CPU time that was used before the guest was first seen earns nothing.
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
    if (run_time_ < least_run_time)
        return "the guest has used less than 1 s of CPU time since its start";
    if (idle()) return "the guest is idle: it uses less than 5 % of a CPU";
    if (balance_ < nanoseconds(0))
        return "tracking has cost more than the guest has earned (tracking.overhead)";
    const nanoseconds earned_by_then =
        nanoseconds(longest_wait) / 1000 * milli_cpu_ / 1000 * overhead_;
    if (estimate > std::max(earned_by_then, balance_))
        return "the guest cannot earn the cost soon enough (tracking.overhead, "
               "tracking.max_period)";
    return "";
}

}  // namespace vnuma
