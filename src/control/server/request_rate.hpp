// How many requests a client may make, and how long they may take. Pure; time is a parameter.
#pragma once

#include <algorithm>
#include <chrono>

namespace vnuma::control {

// A steady rate, of which a second's worth may come at once.
class RequestRate {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit RequestRate(int per_second)
        : step_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second) {}

    // Counts one request. Returns when the next one may be handled.
    Time count(Time now) {
        paid_until_ = std::max(paid_until_, now) + step_;
        return paid_until_ + step_ - std::chrono::seconds(1);
    }

  private:
    std::chrono::nanoseconds step_;
    Time paid_until_{};  // if one request came each step, the last one would end here
};

// A share of the time of the server's thread, of which a second's worth may be taken at once.
class TimeShare {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // One of so many equal parts.
    explicit TimeShare(int parts) : parts_(parts) {}

    // Counts what a request took. Returns when the next one may be handled.
    Time count(Time now, std::chrono::nanoseconds took) {
        paid_until_ = std::max(paid_until_, now) + took * parts_;
        return paid_until_ - std::chrono::seconds(1);
    }

  private:
    int parts_;
    Time paid_until_{};
};

}  // namespace vnuma::control
