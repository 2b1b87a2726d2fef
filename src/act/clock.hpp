// Time, as the loop sees it: tests have a clock of their own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <mutex>
#include <utility>

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

    // The same, but wake() ends it. Returns whether it has done so. One at a time.
    virtual boost::asio::awaitable<bool> sleep_until(Time time) = 0;
    // Any thread. If nobody sleeps, the next sleep ends at once.
    virtual void wake() = 0;
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
    boost::asio::awaitable<bool> sleep_until(Time time) override {
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
        if (!begin_sleep(timer)) co_return true;
        boost::system::error_code error;
        co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, error));
        const bool woken = end_sleep();
        // A wake cancels the timer as a cancellation of the coroutine does.
        if (error && !woken) throw boost::system::system_error(error);
        co_return woken;
    }
    void wake() override {
        const std::lock_guard lock(mutex_);
        woken_ = true;
        if (!sleeping_) return;
        boost::asio::post(sleeping_->get_executor(), [this] {
            const std::lock_guard again(mutex_);
            if (sleeping_ && woken_) sleeping_->cancel();
        });
    }

  private:
    // False if somebody has woken it already.
    bool begin_sleep(boost::asio::steady_timer& timer) {
        const std::lock_guard lock(mutex_);
        if (std::exchange(woken_, false)) return false;
        sleeping_ = &timer;
        return true;
    }
    bool end_sleep() {
        const std::lock_guard lock(mutex_);
        sleeping_ = nullptr;
        return std::exchange(woken_, false);
    }

    std::mutex mutex_;
    bool woken_ = false;
    boost::asio::steady_timer* sleeping_ = nullptr;
};

}  // namespace vnuma
