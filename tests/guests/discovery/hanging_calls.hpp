// Calls that hang until a test releases them, and a clock that advances only while a test waits for
// such a call.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "guests/discovery/calls_with_timeout.hpp"

namespace vnuma::test {

class HangingCalls {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // Calls for these names do not return before release().
    void hang(const std::set<std::string>& names) {
        const std::lock_guard lock(mutex_);
        hanging_.insert(names.begin(), names.end());
    }
    void release() {
        const std::lock_guard lock(mutex_);
        hanging_.clear();
        changed_.notify_all();
    }

    // To be called by the calls that may hang.
    void enter(const std::string& name) {
        std::unique_lock lock(mutex_);
        ++entered_[name];
        if (!hanging_.contains(name)) return;
        ++hung_;
        changed_.wait(lock, [&] { return !hanging_.contains(name); });
    }
    // How often a call for the name has been made.
    int entered(const std::string& name) {
        const std::lock_guard lock(mutex_);
        return entered_[name];
    }

    Time now() {
        const std::lock_guard lock(mutex_);
        return now_;
    }
    void advance(std::chrono::milliseconds time) {
        const std::lock_guard lock(mutex_);
        now_ += time;
    }
    auto clock() {
        return [this] { return now(); };
    }

    // Waits until the call either returns or hangs. For one that hangs the clock advances by the
    // limit.
    CallsWithTimeout::Wait wait() {
        return [this](const std::shared_future<void>& returned, std::chrono::milliseconds limit) {
            while (!CallsWithTimeout::wait_for(returned, std::chrono::milliseconds(0))) {
                const std::lock_guard lock(mutex_);
                if (hung_ > given_up_) {
                    ++given_up_;
                    now_ += limit;
                    return false;
                }
                std::this_thread::yield();
            }
            return true;
        };
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::string> hanging_;
    std::map<std::string, int> entered_;
    int hung_ = 0, given_up_ = 0;  // calls so far
    Time now_{};
};

}  // namespace vnuma::test
