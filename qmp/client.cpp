#include "qmp/client.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

namespace vnuma::qmp {

namespace asio = boost::asio;
using boost::system::error_code;
using nlohmann::json;

namespace {
constexpr std::size_t read_chunk_bytes = 64 * 1024;
constexpr auto never = std::chrono::steady_clock::time_point::max();
}  // namespace

CommandError::CommandError(const std::string& command, Refusal refusal)
    : std::runtime_error(command + ": " + refusal.description + " (" + refusal.error_class + ")"),
      error_class(std::move(refusal.error_class)) {}

Client::Client(asio::any_io_executor executor)
    : socket_(executor),
      greeted_(executor, never),
      outgoing_ready_(executor, never),
      events_(executor, max_queued_events) {}

asio::awaitable<void> Client::connect(std::string path) {
    path_ = std::move(path);
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await socket_.async_connect(asio::local::stream_protocol::endpoint(path_), token);
    if (error) throw ConnectionError(path_ + ": " + error.message());
}

asio::awaitable<void> Client::run() {
    // A socket read and a socket write cannot share a coroutine; the first to fail ends both.
    auto executor = socket_.get_executor();
    auto both = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, read_loop(), asio::deferred),
        asio::co_spawn(executor, write_loop(), asio::deferred));
    auto [order, read_error, write_error] =
        co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    std::exception_ptr first = order[0] == 0 ? read_error : write_error;
    end(first ? first : std::make_exception_ptr(ConnectionError(path_ + ": closed")));
    std::rethrow_exception(ended_);
}

asio::awaitable<void> Client::read_loop() {
    std::array<char, read_chunk_bytes> chunk;
    while (true) {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        const std::size_t size = co_await socket_.async_read_some(asio::buffer(chunk), token);
        if (error) throw ConnectionError(path_ + ": " + error.message());
        decoder_.feed({chunk.data(), size});
        while (auto message = decoder_.next())
            dispatch(std::move(*message));
    }
}

asio::awaitable<void> Client::write_loop() {
    while (true) {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        if (outgoing_.empty()) {
            co_await outgoing_ready_.async_wait(token);
            // Woken by execute() through cancel(); our own cancellation shows in the state.
            const auto state = co_await asio::this_coro::cancellation_state;
            if (state.cancelled() != asio::cancellation_type::none) co_return;
            continue;
        }
        const std::string batch = std::exchange(outgoing_, {});
        co_await asio::async_write(socket_, asio::buffer(batch), token);
        if (error) throw ConnectionError(path_ + ": " + error.message());
    }
}

void Client::dispatch(Message message) {
    if (auto* event = std::get_if<Event>(&message)) {
        if (!events_.try_send(error_code{}, std::move(*event))) ++dropped_events_;
    } else if (auto* reply = std::get_if<Reply>(&message)) {
        settle(reply->id, std::move(reply->value));
    } else if (auto* refusal = std::get_if<Refusal>(&message)) {
        settle(refusal->id, std::move(*refusal));
    } else if (auto* greeting = std::get_if<Greeting>(&message)) {
        greeting_ = std::move(*greeting);
        greeted_.cancel();
    } else {
        throw ProtocolError(path_ + ": " + std::get<Malformed>(message).why);
    }
}

// An answer nobody waits for any more (late, or to no id of ours) is dropped.
void Client::settle(std::optional<std::uint64_t> id, Outcome outcome) {
    auto it = id ? pending_.find(*id) : pending_.end();
    if (it == pending_.end()) return;
    it->second->outcome = std::move(outcome);
    it->second->answered.cancel();
    pending_.erase(it);
}

void Client::end(std::exception_ptr cause) {
    ended_ = std::move(cause);
    close();
    greeted_.cancel();
    for (auto& [id, request] : pending_)
        request->answered.cancel();
    pending_.clear();
    events_.close();
}

asio::awaitable<Greeting> Client::negotiate(Duration deadline) {
    if (!greeting_ && !ended_) {
        error_code ignored;
        auto token = asio::redirect_error(asio::use_awaitable, ignored);
        greeted_.expires_after(deadline);
        co_await greeted_.async_wait(token);
    }
    if (ended_) std::rethrow_exception(ended_);
    if (!greeting_)
        throw Timeout(path_ + ": no QMP greeting; is another client connected to this socket?");
    co_await execute("qmp_capabilities", nullptr, deadline);
    co_return *greeting_;
}

asio::awaitable<json> Client::execute(std::string command, json arguments, Duration deadline) {
    if (ended_) std::rethrow_exception(ended_);
    if (pending_.size() >= max_in_flight)
        throw Timeout(path_ + ": " + command + ": too many requests in flight");
    const std::uint64_t id = next_id_++;
    auto request = std::make_shared<Pending>(
        Pending{asio::steady_timer(socket_.get_executor(), deadline), {}});
    pending_.emplace(id, request);
    outgoing_ += encode_request(command, arguments, id);
    outgoing_ready_.cancel();

    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await request->answered.async_wait(token);
    pending_.erase(id);  // abandoned, unless settled already

    if (auto* value = std::get_if<json>(&request->outcome)) co_return std::move(*value);
    if (auto* refusal = std::get_if<Refusal>(&request->outcome))
        throw CommandError(command, std::move(*refusal));
    if (ended_) std::rethrow_exception(ended_);
    throw Timeout(path_ + ": " + command + ": no answer in time");
}

asio::awaitable<Event> Client::next_event() {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    Event event = co_await events_.async_receive(token);
    if (error) {
        if (ended_) std::rethrow_exception(ended_);
        throw ConnectionError(path_ + ": " + error.message());
    }
    co_return event;
}

void Client::close() {
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace vnuma::qmp
