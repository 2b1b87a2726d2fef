#include "qmp/client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel_error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <vector>

namespace vnuma::qmp {

namespace asio = boost::asio;
using boost::system::error_code;
using nlohmann::json;

namespace {

constexpr std::size_t read_chunk_bytes = 8 * 1024;  // held for each connection
constexpr std::size_t max_quoted_bytes = 120;
constexpr auto never = std::chrono::steady_clock::time_point::max();

Peer read_peer(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
    return {credentials.pid, credentials.uid, credentials.gid};
}

[[noreturn]] void throw_cancelled() {
    throw boost::system::system_error(asio::error::operation_aborted);
}

}  // namespace

struct Client::State {
    Session session;
    std::vector<Waiting*> waiting;
};

// A call that waits for its answer. Whichever way the call ends, its request is let go.
class Client::Waiting {
  public:
    Waiting(std::shared_ptr<State> state, std::uint64_t id, const asio::any_io_executor& executor,
            Duration deadline)
        : wake(executor, deadline), state_(std::move(state)), id_(id) {
        state_->waiting.push_back(this);
    }
    ~Waiting() {
        std::erase(state_->waiting, this);
        state_->session.abandon(id_);  // unless answered
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

    static void settle(State& state, Answer answer) {
        auto same_id = [&](const Waiting* call) { return call->id_ == answer.id; };
        auto call = std::find_if(state.waiting.begin(), state.waiting.end(), same_id);
        if (call == state.waiting.end()) return;
        (*call)->outcome = std::move(answer.outcome);
        (*call)->wake.cancel();
    }

    asio::steady_timer wake;  // expires at the deadline, cancelled by the answer
    std::optional<std::variant<json, Refusal>> outcome;

  private:
    std::shared_ptr<State> state_;
    std::uint64_t id_;
};

Client::Client(asio::any_io_executor executor)
    : socket_(executor),
      state_(std::make_shared<State>()),
      greeted_(executor, never),
      outgoing_ready_(executor, never),
      events_(executor, max_queued_events) {}

Client::~Client() = default;

const StrayAnswers& Client::strays() const {
    return state_->session.strays();
}

std::size_t Client::in_flight() const {
    return state_->session.in_flight();
}

asio::awaitable<void> Client::connect(std::string path) {
    path_ = std::move(path);
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    if (path_.size() >= sizeof(sockaddr_un::sun_path))
        throw ConnectionError(path_, asio::error::name_too_long);
    co_await socket_.async_connect(asio::local::stream_protocol::endpoint(path_), token);
    if (error) throw ConnectionError(path_, error);
    peer_ = read_peer(socket_.native_handle());
}

asio::awaitable<void> Client::run() {
    // A socket read and a socket write cannot share a coroutine.
    auto executor = socket_.get_executor();
    auto both = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, read_loop(), asio::deferred),
        asio::co_spawn(executor, write_loop(), asio::deferred));
    std::exception_ptr cause;
    try {
        auto done =
            co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
        std::rethrow_exception(std::get<1>(done));  // the reader's: the writer only follows
    } catch (const boost::system::system_error& cancelled) {
        cause = std::make_exception_ptr(ConnectionError(path_, cancelled.code()));
    } catch (...) {
        cause = std::current_exception();
    }
    end(cause);
    std::rethrow_exception(cause);
}

asio::awaitable<void> Client::read_loop() {
    std::array<char, read_chunk_bytes> chunk;
    while (true) {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        const std::size_t size = co_await socket_.async_read_some(asio::buffer(chunk), token);
        if (error)
            throw ConnectionError(path_, write_error_ ? write_error_ : error,
                                  state_->session.in_message() ? " in mid-message" : "");
        state_->session.feed({chunk.data(), size});
        while (auto incoming = state_->session.next())
            dispatch(std::move(*incoming));
    }
}

// Ends by cancellation only.
asio::awaitable<void> Client::write_loop() {
    while (true) {
        if (!state_->session.has_outgoing() || write_error_) {
            // Woken by execute() through cancel(); our own cancellation makes the next wait throw.
            error_code woken;
            auto token = asio::redirect_error(asio::use_awaitable, woken);
            co_await outgoing_ready_.async_wait(token);
            continue;
        }
        const std::string batch = state_->session.take_outgoing();
        auto token = asio::redirect_error(asio::use_awaitable, write_error_);
        co_await asio::async_write(socket_, asio::buffer(batch), token);
        // What the peer said before it went (why QEMU ends, say) is still there to be read.
        error_code ignored;
        if (write_error_) socket_.shutdown(socket_.shutdown_both, ignored);
    }
}

void Client::dispatch(Incoming incoming) {
    if (auto* answer = std::get_if<Answer>(&incoming)) {
        Waiting::settle(*state_, std::move(*answer));
    } else if (auto* event = std::get_if<Event>(&incoming)) {
        if (!events_.try_send(error_code{}, std::move(*event))) ++dropped_events_;
    } else if (auto* greeting = std::get_if<Greeting>(&incoming)) {
        greeting_ = std::move(*greeting);
        greeted_.cancel();
    } else {
        throw ProtocolError(path_ + ": " + std::get<Malformed>(incoming).why);
    }
}

void Client::end(std::exception_ptr cause) {
    ended_ = std::move(cause);
    close();
    greeted_.cancel();
    for (Waiting* call : state_->waiting)
        call->wake.cancel();
    events_.close();
}

asio::awaitable<Greeting> Client::negotiate(Duration deadline) {
    error_code error;
    if (!greeting_ && !ended_) {
        auto token = asio::redirect_error(asio::use_awaitable, error);
        greeted_.expires_after(deadline);
        co_await greeted_.async_wait(token);
    }
    if (ended_) std::rethrow_exception(ended_);
    if (!greeting_ && error) throw_cancelled();
    if (!greeting_)
        throw Timeout(path_ + ": no QMP greeting; is another client connected to this socket?");
    // expiry() is `never` where nobody had to wait.
    const Duration left = greeted_.expiry() - std::chrono::steady_clock::now();
    co_await execute("qmp_capabilities", nullptr, std::min(left, deadline));
    co_return *greeting_;
}

asio::awaitable<json> Client::execute(std::string command, json arguments, Duration deadline) {
    if (ended_) std::rethrow_exception(ended_);
    const auto id = state_->session.begin(command, arguments);
    if (!id) throw Busy(path_ + ": " + command + ": too many requests in flight");
    Waiting call(state_, *id, socket_.get_executor(), deadline);
    outgoing_ready_.cancel();

    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await call.wake.async_wait(token);
    if (call.outcome) {
        if (auto* refusal = std::get_if<Refusal>(&*call.outcome))
            throw CommandError(std::move(command), std::move(*refusal));
        co_return std::move(std::get<json>(*call.outcome));
    }
    if (ended_) std::rethrow_exception(ended_);
    if (error) throw_cancelled();
    throw Timeout(path_ + ": " + command + ": no answer in time");
}

asio::awaitable<Event> Client::next_event() {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    Event event = co_await events_.async_receive(token);
    if (error == asio::experimental::error::channel_closed && ended_)
        std::rethrow_exception(ended_);
    if (error) throw_cancelled();
    co_return event;
}

ProtocolError Client::unexpected(const std::string& command, const json& value) const {
    // A human monitor's refusal is a text, and says why.
    std::string answer = value.type_name();
    if (const auto* text = value.get_ptr<const std::string*>())
        answer = text->substr(0, std::min(text->find_first_of("\r\n"), max_quoted_bytes));
    return ProtocolError(path_ + ": " + command + ": not what was asked for: " + answer);
}

void Client::close() {
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace vnuma::qmp
