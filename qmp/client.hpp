// A QMP connection over a UNIX domain socket, for Boost.Asio coroutines on one thread.
#pragma once

#include <sys/types.h>

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
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "qmp/command.hpp"
#include "qmp/error.hpp"
#include "qmp/session.hpp"

namespace vnuma::qmp {

// Limits of the events that wait for next_event(), and of the memory that these take. More are
// dropped and counted.
inline constexpr std::size_t max_queued_events = 256;
inline constexpr std::size_t max_queued_event_bytes = 1024 * 1024;

// The process that called listen(2) on the server's socket: QEMU if it opened the socket itself,
// otherwise the process that passed the socket to QEMU, as libvirt does.
struct Peer {
    pid_t pid = -1;
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
};

// One connection. To connect again, make a new Client.
//
// The owner awaits run() and, at the same time, its own work. While run() is under way, any
// coroutine of the same single-threaded executor may make the other calls, many at a time. A
// cancelled call ends at once and throws boost::system::system_error (operation_aborted). A Client
// must not be destroyed before run() and all calls have ended.
class Client {
  public:
    using Duration = std::chrono::steady_clock::duration;

    // Without `reception` events are dropped while they are decoded.
    explicit Client(boost::asio::any_io_executor executor, Reception reception = {});
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Connects to the socket, by another path that leads to it if there is one. The greeting and
    // the negotiation of capabilities follow in run(). Throws ConnectionError; it may be called
    // again then.
    boost::asio::awaitable<void> connect(std::string path, std::string other_path = "");

    // Reads and writes until the connection ends or the owner cancels. Always throws:
    // ConnectionError, whose cause is operation_aborted after close() or a cancellation, or
    // ProtocolError, also when the peer's messages take more memory than the budget has left. Every
    // request in flight ends with the same error.
    boost::asio::awaitable<void> run();

    // Runs the connection until `work` ends, and returns or throws what `work` does. If the
    // connection ends first, cancels `work` and throws the connection's error.
    template <typename T>
    boost::asio::awaitable<T> run_while(boost::asio::awaitable<T> work);

    // Waits for the greeting and ends QMP's negotiation mode, both within the deadline. Throws like
    // execute(). QEMU serves one client per socket: a second one can connect, but is not greeted.
    boost::asio::awaitable<Greeting> negotiate(Duration deadline);

    // Sends a command and returns the value of "return". Throws CommandError, ConnectionError,
    // ProtocolError, Timeout or Busy. A request that timed out or was cancelled is abandoned: its
    // late answer is dropped, and the connection can still be used.
    boost::asio::awaitable<nlohmann::json> execute(std::string command, nlohmann::json arguments,
                                                   Duration deadline);

    // The same for a typed command. If the answer is not what the command returns, it throws
    // ProtocolError, and the connection can still be used.
    template <typename Reply>
    boost::asio::awaitable<Reply> execute(Command<Reply> command, Duration deadline);

    // The next event, in the order of arrival; for a reception that wants events. After run() has
    // ended, the queued events are returned, and then its error is thrown.
    boost::asio::awaitable<Event> next_event();

    // Number of events that were dropped because the queue was full; 0 if none are wanted.
    std::uint64_t dropped_events() const { return dropped_events_; }

    // Numbers of answers that were dropped, and of requests without an answer.
    const StrayAnswers& stray_answers() const;
    std::size_t in_flight() const;

    // Whether the peer has greeted as a QMP server does.
    bool greeted() const { return greeting_.has_value(); }

    // Known after connect().
    const Peer& peer() const { return peer_; }

    // Closes the connection, which ends run().
    void close();

  private:
    struct State;
    class PendingCall;
    using EventChannel = boost::asio::experimental::channel<void(boost::system::error_code, Event)>;

    boost::asio::awaitable<void> read_loop();
    boost::asio::awaitable<void> write_loop();
    void dispatch(Incoming incoming);
    void end(std::exception_ptr cause);
    ProtocolError unexpected(const std::string& command, const nlohmann::json& value) const;

    boost::asio::local::stream_protocol::socket socket_;
    std::string path_;
    Peer peer_;
    // Shared with the pending calls, since an io_context destroys coroutines in any order.
    std::shared_ptr<State> state_;
    std::optional<Greeting> greeting_;
    boost::asio::steady_timer greeted_;
    boost::asio::steady_timer outgoing_ready_;
    EventChannel events_;
    std::size_t queued_event_bytes_ = 0;
    std::uint64_t dropped_events_ = 0;
    boost::system::error_code write_error_;
    std::exception_ptr ended_;
};

template <typename T>
boost::asio::awaitable<T> Client::run_while(boost::asio::awaitable<T> work) {
    namespace asio = boost::asio;
    // Asio's operator|| would hide which of the two ended first.
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

template <typename Reply>
boost::asio::awaitable<Reply> Client::execute(Command<Reply> command, Duration deadline) {
    const nlohmann::json value =
        co_await execute(command.name, std::move(command.arguments), deadline);
    std::optional<Reply> reply = command.parse(value);
    if (!reply) throw unexpected(command.name, value);
    co_return std::move(*reply);
}

}  // namespace vnuma::qmp
