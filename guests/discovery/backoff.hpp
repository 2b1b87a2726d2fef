// Pauses between attempts that double after each failure. Pure: the time is a parameter.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace vnuma {

class Backoff {
  public:
    using Time = std::chrono::steady_clock::time_point;

    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest)
        : first_(first), longest_(longest), pause_(first) {}

    // Allows no attempt during a pause. Each pause is twice as long as the one before.
    void fail(Time now) { next_attempt_ = now + fail(); }
    // The same for a caller that waits for the returned time itself.
    std::chrono::milliseconds fail() {
        return std::exchange(pause_, std::min(2 * pause_, longest_));
    }
    void succeed() { *this = Backoff(first_, longest_); }

    // Whether an attempt is allowed. Before the first failure one always is.
    bool is_due(Time now) const { return now >= next_attempt_; }

  private:
    std::chrono::milliseconds first_, longest_, pause_;
    Time next_attempt_ = Time::min();
};

}  // namespace vnuma
