// Calls that may never return: each runs on a thread of its own and is waited for only so long.
#pragma once

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

class CallsWithTimeout {
  public:
    // libvirtd serves five calls of a client at once: the last one serves all that do not hang.
    static constexpr std::size_t max_at_once = 5;

    // The result of `call`, or what it throws. Nothing when it does not return within the limit,
    // when an earlier call with the same key still hangs, or when as many as can run at once do. A
    // call that was given up goes on: it must own all it uses.
    template <typename Function>
    std::optional<std::invoke_result_t<Function>> run(const std::string& key, Function call,
                                                      std::chrono::milliseconds limit) {
        using Result = std::invoke_result_t<Function>;
        forget_returned();
        if (hung_.contains(key) || hung_.size() >= max_at_once) return std::nullopt;
        auto task = std::make_shared<std::packaged_task<Result()>>(std::move(call));
        auto result = std::make_shared<std::future<Result>>(task->get_future());
        boost::asio::post(pool_, [task] { (*task)(); });
        if (result->wait_for(limit) == std::future_status::ready) return result->get();
        hung_[key] = [result] {
            return result->wait_for(std::chrono::seconds(0)) == std::future_status::ready;
        };
        return std::nullopt;
    }

    bool hangs(const std::string& key) {
        forget_returned();
        return hung_.contains(key);
    }
    // As of the last call of another function.
    std::size_t hung() const { return hung_.size(); }

  private:
    void forget_returned() {
        std::erase_if(hung_, [](const auto& call) { return call.second(); });
    }

    std::map<std::string, std::function<bool()>> hung_;  // by key; whether it has returned
    boost::asio::thread_pool pool_{max_at_once};         // last: its threads end first
};

}  // namespace vnuma
