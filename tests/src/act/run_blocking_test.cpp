#include "src/act/run_blocking.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <stdexcept>

namespace vnuma {
namespace {

namespace asio = boost::asio;

TEST(RunBlocking, ReturnsWhatTheFunctionReturnsOnTheCallersThread) {
    asio::io_context context;
    asio::thread_pool pool(1);
    std::thread::id worked, resumed;
    auto work = [&]() -> asio::awaitable<int> {
        auto function = [&] {
            worked = std::this_thread::get_id();
            return 42;
        };
        const int value = co_await run_blocking(pool, function);
        resumed = std::this_thread::get_id();
        co_return value;
    };
    int value = 0;
    asio::co_spawn(context, work(), [&](std::exception_ptr, int result) { value = result; });
    context.run();
    EXPECT_EQ(value, 42);
    EXPECT_TRUE(resumed == std::this_thread::get_id());
    EXPECT_FALSE(worked == std::this_thread::get_id());
}

TEST(RunBlocking, PassesOnWhatTheFunctionThrows) {
    asio::io_context context;
    asio::thread_pool pool(1);
    auto fail = []() -> int { throw std::runtime_error("broken"); };
    std::exception_ptr failure;
    asio::co_spawn(context, run_blocking(pool, fail),
                   [&](std::exception_ptr thrown, int) { failure = thrown; });
    context.run();
    EXPECT_THROW(std::rethrow_exception(failure), std::runtime_error);
}

TEST(RunBlocking, ACancellationInFlightWaitsForTheFunctionAndBreaksNothing) {
    for (int round = 0; round < 100; ++round) {
        asio::io_context context;
        asio::thread_pool pool(2);
        asio::cancellation_signal stop;
        std::promise<void> started, go_on;
        std::atomic<bool> finished = false;
        auto function = [&] {
            started.set_value();
            go_on.get_future().wait();
            finished = true;
            return 1;
        };
        bool ended = false;
        auto on_end = [&](std::exception_ptr, int) {
            EXPECT_TRUE(finished);
            ended = true;
        };
        asio::co_spawn(context, run_blocking(pool, function),
                       asio::bind_cancellation_slot(stop.slot(), on_end));
        context.poll();
        started.get_future().wait();
        asio::post(context, [&] {
            stop.emit(asio::cancellation_type::terminal);
            go_on.set_value();
        });
        context.run();
        EXPECT_TRUE(ended);
    }
}

TEST(RunBlocking, AFunctionThatTakesLongIsToldOfACancellation) {
    asio::io_context context;
    asio::thread_pool pool(1);
    asio::cancellation_signal stop;
    std::promise<void> started;
    std::atomic<bool> cancelled = false;
    auto function = [&] {
        started.set_value();
        while (!cancelled)
            std::this_thread::yield();
        return 1;
    };
    bool ended = false;
    auto on_end = [&](std::exception_ptr, int) { ended = true; };
    asio::co_spawn(context, run_blocking(pool, function, cancelled),
                   asio::bind_cancellation_slot(stop.slot(), on_end));
    context.poll();
    started.get_future().wait();
    stop.emit(asio::cancellation_type::terminal);
    context.run();
    EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace vnuma
