// A QMP connection over a UNIX socket, for Boost.Asio coroutines on one thread.
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

// Events that wait to be fetched; more are dropped and counted.
inline constexpr std::size_t max_queued_events = 256;

// Who called listen() on the server's socket: QEMU where it made the socket itself, whoever made
// it where QEMU was handed one (libvirt does that).
struct Peer {
    pid_t pid = -1;
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
};

// One connection. It never reconnects: that is a new Client, and its owner's business.
//
// The owner awaits run() beside its own work; every other call may be made from any coroutine of
// the same single-threaded executor while run() is under way, many at a time. Destroy only when
// run() and all calls have ended. A cancelled call ends at once and throws
// boost::system::system_error (operation_aborted).
class Client {
  public:
    using Duration = std::chrono::steady_clock::duration;

    explicit Client(boost::asio::any_io_executor executor);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Connects; the greeting and capability negotiation follow in run(). Throws ConnectionError,
    // after which it may be tried again.
    boost::asio::awaitable<void> connect(std::string path);

    // Reads and writes until the connection ends or the owner cancels. Throws ConnectionError (its
    // cause is operation_aborted after close() or a cancellation) or ProtocolError; every request
    // then in flight ends with the same error.
    boost::asio::awaitable<void> run();

    // Runs the connection for as long as `work` takes, and returns or throws what work does; if
    // the connection ends first, throws that.
    template <typename T>
    boost::asio::awaitable<T> run_beside(boost::asio::awaitable<T> work);

    // Waits for the greeting and leaves negotiation mode; the deadline is for both. Throws like
    // execute(). QEMU serves one client a socket: a second one connects and is never greeted.
    boost::asio::awaitable<Greeting> negotiate(Duration deadline);

    // Throws CommandError, ConnectionError, ProtocolError, Timeout or Busy. A request that timed
    // out or was cancelled is abandoned: its late answer is dropped, the connection lives on.
    boost::asio::awaitable<nlohmann::json> execute(std::string command, nlohmann::json arguments,
                                                   Duration deadline);

    // Throws ProtocolError, too, when the answer is not what was asked for; the connection lives
    // on.
    template <typename Reply>
    boost::asio::awaitable<Reply> execute(Command<Reply> command, Duration deadline);

    // The next event in order of arrival. When run() has ended: what is queued, then its error.
    boost::asio::awaitable<Event> next_event();

    // Events thrown away because nobody fetched them.
    std::uint64_t dropped_events() const { return dropped_events_; }

    // Answers thrown away, and requests that have none yet.
    const StrayAnswers& strays() const;
    std::size_t in_flight() const;

    // Known after connect().
    const Peer& peer() const { return peer_; }

    // Ends run().
    void close();

  private:
    struct State;
    class Waiting;
    using EventChannel = boost::asio::experimental::channel<void(boost::system::error_code, Event)>;

    boost::asio::awaitable<void> read_loop();
    boost::asio::awaitable<void> write_loop();
    void dispatch(Incoming incoming);
    void end(std::exception_ptr cause);
    ProtocolError unexpected(const std::string& command, const nlohmann::json& value) const;

    boost::asio::local::stream_protocol::socket socket_;
    std::string path_;
    Peer peer_;
    // Shared with calls under way: an io_context that is destroyed takes them down in any order.
    std::shared_ptr<State> state_;
    std::optional<Greeting> greeting_;
    boost::asio::steady_timer greeted_;
    boost::asio::steady_timer outgoing_ready_;
    EventChannel events_;
    std::uint64_t dropped_events_ = 0;
    boost::system::error_code write_error_;
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

template <typename Reply>
boost::asio::awaitable<Reply> Client::execute(Command<Reply> command, Duration deadline) {
    const nlohmann::json value =
        co_await execute(command.name, std::move(command.arguments), deadline);
    std::optional<Reply> reply = command.parse(value);
    if (!reply) throw unexpected(command.name, value);
    co_return std::move(*reply);
}

}  // namespace vnuma::qmp
