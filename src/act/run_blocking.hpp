// Blocking calls from the coroutines of the loop.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace vnuma {

template <typename Function>
boost::asio::awaitable<std::invoke_result_t<Function>> as_coroutine(Function function) {
    co_return function();
}

// Runs `function` on the pool and resumes the caller on its own executor. A cancellation takes
// effect when the function has ended, since it must not reach into the other thread. What the
// function refers to must live until then.
template <typename Function>
boost::asio::awaitable<std::invoke_result_t<Function>> run_blocking(boost::asio::thread_pool& pool,
                                                                    Function function) {
    co_return co_await boost::asio::co_spawn(
        pool, as_coroutine(std::move(function)),
        boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(),
                                            boost::asio::use_awaitable));
}

// The same. A cancellation sets `cancelled` at once, so that the function can end early.
template <typename Function>
boost::asio::awaitable<std::invoke_result_t<Function>> run_blocking(boost::asio::thread_pool& pool,
                                                                    Function function,
                                                                    std::atomic<bool>& cancelled) {
    // The slot is free, since no operation of this coroutine uses it until the function has ended.
    const boost::asio::cancellation_state state =
        co_await boost::asio::this_coro::cancellation_state;
    boost::asio::cancellation_slot slot = state.slot();
    if (slot.is_connected())
        slot.assign([&cancelled](boost::asio::cancellation_type) { cancelled = true; });
    co_return co_await run_blocking(pool, std::move(function));
}

}  // namespace vnuma
