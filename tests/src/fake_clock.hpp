// The time of a host in memory, for tests of the loop. It passes only when the loop waits, and in
// calls that a test makes slow.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <functional>

#include "src/act/clock.hpp"

namespace vnuma::test {

using namespace std::chrono_literals;

class FakeClock final : public Clock {
  public:
    Time now() const override { return now_; }
    std::chrono::system_clock::time_point wall_time() const override {
        return std::chrono::system_clock::time_point(
            std::chrono::duration_cast<std::chrono::system_clock::duration>(
                now_.time_since_epoch() + wall_offset));
    }
    boost::asio::awaitable<void> wait_until(Time time) override {
        if (is_over()) throw boost::system::system_error(boost::asio::error::operation_aborted);
        now_ = std::max(now_, time);
        co_return;
    }
    boost::asio::awaitable<bool> sleep_until(Time time) override {
        co_await wait_until(std::exchange(woken_, false) ? now_ : time);
        co_return false;
    }
    void wake() override { woken_ = true; }
    void pass(std::chrono::nanoseconds time) { now_ += time; }

    std::chrono::hours wall_offset{0};  // by which somebody has set the clock

    // Whether the loop is to end at its next wait.
    std::function<bool()> is_over = [] { return false; };

  private:
    Time now_{1000s};
    bool woken_ = false;
};

}  // namespace vnuma::test
