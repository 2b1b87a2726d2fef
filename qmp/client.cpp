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

constexpr std::size_t read_buffer_bytes = 8 * 1024;  // for each connection
constexpr std::size_t max_quoted_bytes = 120;
constexpr auto never = std::chrono::steady_clock::time_point::max();

Peer read_peer(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
    return {credentials.pid, credentials.uid, credentials.gid};
}

std::string in_ms(Client::Duration time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
           " ms";
}

[[noreturn]] void throw_cancelled() {
    throw boost::system::system_error(asio::error::operation_aborted);
}

}  // namespace

struct Client::State {
    explicit State(Reception reception) : session(std::move(reception)) {}

    Session session;
    std::vector<PendingCall*> pending{};
};

// A call that waits for its answer. However the call ends, its request is abandoned unless it has
// been answered.
class Client::PendingCall {
  public:
    PendingCall(std::shared_ptr<State> state, std::uint64_t id,
                const asio::any_io_executor& executor, Duration deadline)
        : wake(executor, deadline), state_(std::move(state)), id_(id) {
        state_->pending.push_back(this);
    }
    ~PendingCall() {
        std::erase(state_->pending, this);
        state_->session.abandon(id_);
    }
    PendingCall(const PendingCall&) = delete;
    PendingCall& operator=(const PendingCall&) = delete;

    static void deliver(State& state, Answer answer) {
        auto same_id = [&](const PendingCall* call) { return call->id_ == answer.id; };
        auto call = std::find_if(state.pending.begin(), state.pending.end(), same_id);
        if (call == state.pending.end()) return;
        (*call)->answer = std::move(answer);
        (*call)->wake.cancel();
    }

    asio::steady_timer wake;  // expires at the deadline; cancelled when the answer arrives
    std::optional<Answer> answer;

  private:
    std::shared_ptr<State> state_;
    std::uint64_t id_;
};

Client::Client(asio::any_io_executor executor, Reception reception)
    : socket_(executor),
      state_(std::make_shared<State>(std::move(reception))),
      greeted_(executor, never),
      outgoing_ready_(executor, never),
      events_(executor, max_queued_events) {}

Client::~Client() = default;

const StrayAnswers& Client::stray_answers() const {
    return state_->session.stray_answers();
}

std::size_t Client::in_flight() const {
    return state_->session.in_flight();
}

asio::awaitable<void> Client::connect(std::string path, std::string other_path) {
    path_ = std::move(path);
    const std::string& address = other_path.empty() ? path_ : other_path;
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    if (address.size() >= sizeof(sockaddr_un::sun_path))
        throw ConnectionError(path_, asio::error::name_too_long);
    co_await socket_.async_connect(asio::local::stream_protocol::endpoint(address), token);
    if (error) throw ConnectionError(path_, error);
    peer_ = read_peer(socket_.native_handle());
}

asio::awaitable<void> Client::run() {
    // Reading and writing at the same time takes two coroutines.
    auto executor = socket_.get_executor();
    auto both = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, read_loop(), asio::deferred),
        asio::co_spawn(executor, write_loop(), asio::deferred));
    std::exception_ptr cause;
    try {
        auto done =
            co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
        std::rethrow_exception(std::get<1>(done));  // the writer ends only by cancellation
    } catch (const boost::system::system_error& cancelled) {
        cause = std::make_exception_ptr(ConnectionError(path_, cancelled.code()));
    } catch (...) {
        cause = std::current_exception();
    }
    end(cause);
    std::rethrow_exception(cause);
}

asio::awaitable<void> Client::read_loop() {
    std::array<char, read_buffer_bytes> buffer;
    while (true) {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        const std::size_t size = co_await socket_.async_read_some(asio::buffer(buffer), token);
        if (error)
            throw ConnectionError(
                path_, write_error_ ? write_error_ : error,
                state_->session.in_message() ? " in the middle of a message" : "");
        state_->session.feed({buffer.data(), size});
        while (auto incoming = state_->session.next())
            dispatch(std::move(*incoming));
    }
}

// Ends only when it is cancelled.
asio::awaitable<void> Client::write_loop() {
    while (true) {
        if (!state_->session.has_outgoing() || write_error_) {
            // execute() ends this wait by cancelling the timer. If this coroutine itself is
            // cancelled, the next wait throws.
            error_code woken;
            auto token = asio::redirect_error(asio::use_awaitable, woken);
            co_await outgoing_ready_.async_wait(token);
            continue;
        }
        const std::string batch = state_->session.take_outgoing();
        auto token = asio::redirect_error(asio::use_awaitable, write_error_);
        co_await asio::async_write(socket_, asio::buffer(batch), token);
        // The reader then reads what the peer sent before it ended, such as QEMU's SHUTDOWN event,
        // and the end of the stream.
        error_code ignored;
        if (write_error_) socket_.shutdown(socket_.shutdown_both, ignored);
    }
}

void Client::dispatch(Incoming incoming) {
    if (auto* answer = std::get_if<Answer>(&incoming)) {
        PendingCall::deliver(*state_, std::move(*answer));
    } else if (auto* event = std::get_if<Event>(&incoming)) {
        const std::size_t bytes = event->memory.bytes();
        if (queued_event_bytes_ + bytes <= max_queued_event_bytes &&
            events_.try_send(error_code{}, std::move(*event)))
            queued_event_bytes_ += bytes;
        else
            ++dropped_events_;
    } else if (auto* greeting = std::get_if<Greeting>(&incoming)) {
        greeting_ = std::move(*greeting);
        greeted_.cancel();
    } else {
        const auto& malformed = std::get<Malformed>(incoming);
        throw ProtocolError(
            path_ +
            (malformed.over_budget ? ": disconnected: " : ": the peer does not speak QMP: ") +
            malformed.reason);
    }
}

void Client::end(std::exception_ptr cause) {
    ended_ = std::move(cause);
    close();
    greeted_.cancel();
    for (PendingCall* call : state_->pending)
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
        throw Timeout(path_ + ": no QMP greeting within " + in_ms(deadline) +
                      "; QEMU serves one client per socket, and another one may be connected");
    // expiry() is `never` if the greeting was there already.
    const Duration left = greeted_.expiry() - std::chrono::steady_clock::now();
    co_await execute("qmp_capabilities", nullptr, std::min(left, deadline));
    co_return *greeting_;
}

asio::awaitable<json> Client::execute(std::string command, json arguments, Duration deadline) {
    if (ended_) std::rethrow_exception(ended_);
    const auto id = state_->session.begin(command, arguments);
    if (!id)
        throw Busy(path_ + ": " + command + " was not sent: " + std::to_string(max_in_flight) +
                   " requests have no answer yet");
    PendingCall call(state_, *id, socket_.get_executor(), deadline);
    outgoing_ready_.cancel();

    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await call.wake.async_wait(token);
    if (call.answer) {
        if (auto* refusal = std::get_if<Refusal>(&call.answer->outcome))
            throw CommandError(std::move(command), std::move(*refusal));
        co_return std::move(std::get<json>(call.answer->outcome));
    }
    if (ended_) std::rethrow_exception(ended_);
    if (error) throw_cancelled();
    throw Timeout(path_ + ": " + command + ": no answer within " + in_ms(deadline));
}

asio::awaitable<Event> Client::next_event() {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    Event event = co_await events_.async_receive(token);
    if (error == asio::experimental::error::channel_closed && ended_)
        std::rethrow_exception(ended_);
    if (error) throw_cancelled();
    queued_event_bytes_ -= event.memory.bytes();
    co_return event;
}

ProtocolError Client::unexpected(const std::string& command, const json& value) const {
    // The human monitor refuses a command with a text that says why.
    std::string answer = value.type_name();
    if (const auto* text = value.get_ptr<const std::string*>())
        answer = text->substr(0, std::min(text->find_first_of("\r\n"), max_quoted_bytes));
    return ProtocolError(path_ + ": " + command + ": unexpected answer: " + answer);
}

void Client::close() {
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace vnuma::qmp
