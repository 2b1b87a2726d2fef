// Blocking calls that may never return. Each runs in a thread of its own and is waited for until a
// time limit.
#pragma once

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace vnuma {

// Use from one thread. The destructor waits for all calls that hang.
class CallsWithTimeout {
  public:
    // The default of max_client_requests in libvirtd.conf. libvirtd handles five calls of one
    // connection at a time, and reads no other call and no keepalive before one of them returns.
    static constexpr std::size_t max_at_once = 5;

    // Waits until the future is ready or the limit is over, and returns whether the future is
    // ready. Tests replace this function by one that needs no time.
    using Wait =
        std::function<bool(const std::shared_future<void>&, std::chrono::milliseconds limit)>;
    static bool wait_for(const std::shared_future<void>& returned,
                         std::chrono::milliseconds limit) {
        return returned.wait_for(limit) == std::future_status::ready;
    }

    explicit CallsWithTimeout(Wait wait = wait_for) : wait_(std::move(wait)) {}

    // Returns what `call` returns and throws what it throws. A call that does not return within
    // the limit hangs, and run() returns nothing. While a call with the same key or max_at_once
    // calls hang, run() makes no call and returns nothing. A call that hangs goes on after run()
    // has returned, so it must own everything it uses.
    template <typename Function>
    std::optional<std::invoke_result_t<Function>> run(const std::string& key, Function call,
                                                      std::chrono::milliseconds limit) {
        using Result = std::invoke_result_t<Function>;
        std::erase_if(hung_, [](const auto& hung) { return is_ready(hung.second); });
        if (hung_.contains(key) || hung_.size() >= max_at_once) return std::nullopt;
        auto task = std::make_shared<std::packaged_task<Result()>>(std::move(call));
        auto returned = std::make_shared<std::promise<void>>();
        std::future<Result> result = task->get_future();
        std::shared_future<void> has_returned = returned->get_future();
        boost::asio::post(pool_, [task, returned] {
            (*task)();
            returned->set_value();
        });
        if (wait_(has_returned, limit)) return result.get();
        hung_.emplace(key, std::move(has_returned));
        return std::nullopt;
    }

    bool hangs(const std::string& key) const {
        const auto call = hung_.find(key);
        return call != hung_.end() && !is_ready(call->second);
    }
    // The number of calls that hang.
    std::size_t hung() const {
        return static_cast<std::size_t>(std::count_if(
            hung_.begin(), hung_.end(), [](const auto& hung) { return !is_ready(hung.second); }));
    }

  private:
    static bool is_ready(const std::shared_future<void>& returned) {
        return wait_for(returned, std::chrono::milliseconds(0));
    }

    Wait wait_;
    std::map<std::string, std::shared_future<void>> hung_;  // calls given up, by key
    boost::asio::thread_pool pool_{max_at_once};            // last, so that its threads end first
};

}  // namespace vnuma
