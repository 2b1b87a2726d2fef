// A QMP connection over a UNIX socket, for Boost.Asio coroutines on one thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <variant>

#include "qmp/message.hpp"

namespace vnuma::qmp {

inline constexpr std::size_t max_in_flight = 64;
inline constexpr std::size_t max_queued_events = 256;

// The server understood the command and refused it.
struct CommandError : std::runtime_error {
    CommandError(const std::string& command, Refusal refusal);
    std::string error_class;
};

// The connection is gone, or was never there; what() names the socket and the cause.
struct ConnectionError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The peer broke the protocol; the connection is closed.
struct ProtocolError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// No answer in time. The request is abandoned: a late answer is dropped, the connection lives on.
struct Timeout : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The owner awaits run() beside its own work; every other call may be made from any coroutine of
// the same executor while run() is under way. Destroy only after run() has ended.
class Client {
  public:
    using Duration = std::chrono::steady_clock::duration;

    explicit Client(boost::asio::any_io_executor executor);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Connects; the greeting and capability negotiation follow in run(). Throws ConnectionError.
    boost::asio::awaitable<void> connect(std::string path);

    // Reads and writes until the connection ends or the owner cancels. Throws ConnectionError or
    // ProtocolError; every request then in flight ends with the same error.
    boost::asio::awaitable<void> run();

    // Runs the connection for as long as `work` takes, and returns or throws what work does; if
    // the connection ends first, throws that.
    template <typename T>
    boost::asio::awaitable<T> run_beside(boost::asio::awaitable<T> work);

    // Waits for the greeting and leaves negotiation mode. Throws like execute().
    boost::asio::awaitable<Greeting> negotiate(Duration deadline);

    // Throws CommandError, ConnectionError, ProtocolError or Timeout.
    boost::asio::awaitable<nlohmann::json> execute(std::string command, nlohmann::json arguments,
                                                   Duration deadline);

    // The next event in order of arrival. Ends with ConnectionError when run() ends.
    boost::asio::awaitable<Event> next_event();

    // Events thrown away because nobody fetched them.
    std::uint64_t dropped_events() const { return dropped_events_; }

    void close();

  private:
    using Outcome = std::variant<std::monostate, nlohmann::json, Refusal>;
    struct Pending {
        boost::asio::steady_timer answered;  // expires at the deadline, cancelled by the answer
        Outcome outcome;
    };
    using EventChannel = boost::asio::experimental::channel<void(boost::system::error_code, Event)>;

    boost::asio::awaitable<void> read_loop();
    boost::asio::awaitable<void> write_loop();
    void dispatch(Message message);
    void settle(std::optional<std::uint64_t> id, Outcome outcome);
    void end(std::exception_ptr cause);

    boost::asio::local::stream_protocol::socket socket_;
    std::string path_;
    Decoder decoder_;
    std::optional<Greeting> greeting_;
    boost::asio::steady_timer greeted_;
    std::map<std::uint64_t, std::shared_ptr<Pending>> pending_;
    std::uint64_t next_id_ = 1;
    std::string outgoing_;
    boost::asio::steady_timer outgoing_ready_;
    EventChannel events_;
    std::uint64_t dropped_events_ = 0;
    std::exception_ptr ended_;
};

template <typename T>
boost::asio::awaitable<T> Client::run_beside(boost::asio::awaitable<T> work) {
    namespace asio = boost::asio;
    // Not operator||: it hides which of the two failed first.
    auto executor = co_await asio::this_coro::executor;
    auto both = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, run(), asio::deferred),
        asio::co_spawn(executor, std::move(work), asio::deferred));
    auto done = co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    const bool work_first = std::get<0>(done)[0] == 1;
    if (std::exception_ptr failure = work_first ? std::get<2>(done) : std::get<1>(done))
        std::rethrow_exception(failure);
    if constexpr (!std::is_void_v<T>) co_return std::move(std::get<3>(done));
}

}  // namespace vnuma::qmp
