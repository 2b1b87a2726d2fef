// Time, as the loop sees it: tests have a clock of their own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace vnuma {

class Clock {
  public:
    using Time = std::chrono::steady_clock::time_point;

    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    virtual Time now() const = 0;
    virtual std::chrono::system_clock::time_point wall_time() const = 0;
    // Returns at once when the time has passed. A cancellation ends the wait with
    // boost::system::system_error.
    virtual boost::asio::awaitable<void> wait_until(Time time) = 0;
};

class SteadyClock final : public Clock {
  public:
    Time now() const override { return std::chrono::steady_clock::now(); }
    std::chrono::system_clock::time_point wall_time() const override {
        return std::chrono::system_clock::now();
    }
    boost::asio::awaitable<void> wait_until(Time time) override {
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
        co_await timer.async_wait(boost::asio::use_awaitable);
    }
};

}  // namespace vnuma
