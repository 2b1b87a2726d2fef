#include "src/control/server/client.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "src/control/protocol/json.hpp"
#include "src/control/server/peer.hpp"

namespace vnuma::control {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto never = Clock::time_point::max();
constexpr const char* set_events_command = "set-events";

// Waits until somebody cancels the timer, or it expires. If the coroutine itself is cancelled, what
// it waits for next throws.
asio::awaitable<void> woken(asio::steady_timer& timer) {
    error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer.async_wait(token);
}

// A client that goes away, and a server that stops, are no failures.
void log_failure(const Caller& caller, const std::exception_ptr& failure) {
    try {
        if (failure) std::rethrow_exception(failure);
    } catch (const boost::system::system_error&) {
    } catch (const std::exception& error) {
        spdlog::error("control socket: process {} of user {} was disconnected: {}", caller.pid,
                      caller.uid, error.what());
    }
}

std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

Client::Client(Socket socket, Caller caller, bool socket_may_act,
               std::shared_ptr<ClientSettings> settings)
    : socket_(std::move(socket)),
      caller_(caller),
      socket_may_act_(socket_may_act),
      settings_(std::move(settings)),
      session_("vnumad", settings_->version),
      rate_(settings_->limits.requests_per_second),
      held_(settings_->budget),
      begun_(Clock::now()),
      output_(socket_.get_executor(), never),
      room_(socket_.get_executor(), never),
      watch_(socket_.get_executor(), never),
      pause_(socket_.get_executor()) {}

Client::~Client() {
    if (records_) --settings_->record_readers;
}

asio::awaitable<void> Client::run() {
    auto executor = socket_.get_executor();
    auto loops = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, read_loop(), asio::deferred),
        asio::co_spawn(executor, write_loop(), asio::deferred),
        asio::co_spawn(executor, watch(), asio::deferred));
    auto done = co_await loops.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    log_failure(caller_, std::get<1>(done));
    log_failure(caller_, std::get<2>(done));
    if (std::get<0>(done)[0] == 2)
        spdlog::debug("control socket: process {} of user {} was disconnected: {}", caller_.pid,
                      caller_.uid,
                      session_.negotiated() ? "it does not read what it is sent"
                                            : "it does not negotiate capabilities");
    error_code ignored;
    socket_.close(ignored);
}

asio::awaitable<void> Client::read_loop() {
    std::array<char, read_buffer_bytes> buffer;
    while (!session_.over()) {
        if (const auto received = session_.next()) {
            const Time begun = Clock::now();
            if (const auto* request = std::get_if<qmp::Request>(&*received)) answer(*request);
            output_.cancel();
            co_await wait_for_turn(begun);
            continue;
        }
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        const std::size_t size = co_await socket_.async_read_some(asio::buffer(buffer), token);
        if (error) break;  // the end of what it sends: it may still read
        session_.feed({buffer.data(), size});
    }
    while (outgoing_bytes() > 0)
        co_await woken(room_);
}

// Waits until the next request may be handled. The last one's answer was begun at `begun`.
asio::awaitable<void> Client::wait_for_turn(Time begun) {
    const Time now = Clock::now();
    Time turn = rate_.count(now);
    if (!caller_.may_act) turn = std::max(turn, settings_->time_of_readers.count(now, now - begun));
    // A client with many requests does not hold up the others.
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
    if (turn > Clock::now()) {
        pause_.expires_at(turn);
        co_await pause_.async_wait(asio::use_awaitable);
    }
    while (outgoing_bytes() > settings_->limits.outgoing_before_reading)
        co_await woken(room_);
}

// Ends when the client cannot be written to any more.
asio::awaitable<void> Client::write_loop() {
    while (true) {
        if (session_.outgoing_bytes() == 0) {
            co_await woken(output_);
            continue;
        }
        const std::string batch = session_.take_outgoing();
        unsent_ = batch.size();
        progress_ = Clock::now();
        if (next_deadline() < watch_.expiry()) watch_.cancel();
        while (unsent_ > 0) {
            error_code error;
            auto token = asio::redirect_error(asio::use_awaitable, error);
            const auto rest = asio::buffer(batch) + (batch.size() - unsent_);
            const std::size_t size = co_await socket_.async_write_some(rest, token);
            if (error) co_return;
            unsent_ -= size;
            progress_ = Clock::now();
            held_.resize(outgoing_bytes());
            tell_lost_events();
            room_.cancel();
        }
    }
}

// Ends when the client has missed a deadline.
asio::awaitable<void> Client::watch() {
    while (true) {
        const Time due = next_deadline();
        if (due <= Clock::now()) co_return;
        watch_.expires_at(due);
        co_await woken(watch_);
    }
}

Client::Time Client::next_deadline() const {
    const Limits& limits = settings_->limits;
    const Time negotiation = session_.negotiated() ? never : begun_ + limits.negotiation;
    const Time silence = unsent_ == 0 ? never : progress_ + limits.silence;
    return std::min(negotiation, silence);
}

void Client::answer(const qmp::Request& request) {
    Reply reply = dispatch(request);
    if (auto* value = std::get_if<JsonOut>(&reply)) {
        const std::string line = qmp::encode_reply(request.id, *value);
        if (reserve(line.size())) return queue(line);
        reply = Refused{generic_error,
                        "the reply has " + std::to_string(line.size()) +
                            " bytes, and too many wait to be read already, or it is longer than "
                            "may wait at all; read faster, or ask for less"};
    }
    const auto& refused = std::get<Refused>(reply);
    queue(qmp::encode_refusal(request.id, refused.error_class, refused.description));
}

Reply Client::dispatch(const qmp::Request& request) {
    const Command* command = find_command(request.command);
    if (!command)
        return Refused{
            command_not_found,
            "The command " + std::string(qmp::quotable(request.command)) + " has not been found"};
    if (command->right == Right::act && !caller_.may_act) return not_permitted_here(command->name);
    try {
        if (request.command == set_events_command) return set_events(request.arguments);
        return settings_->handler.handle(*command, request.arguments, caller_);
    } catch (const FormatError& error) {
        return Refused{invalid_argument, error.what()};
    } catch (const std::exception& error) {
        spdlog::error("control socket: {} of process {} of user {} failed: {}", command->name,
                      caller_.pid, caller_.uid, error.what());
        return Refused{generic_error, std::string("vnumad failed to answer: ") + error.what()};
    }
}

Reply Client::set_events(const nlohmann::json& arguments) {
    const auto wanted = from_json<EventsArguments>(arguments, true);
    events_ = wanted.events;
    settings_->record_readers += wanted.records - records_;
    records_ = wanted.records;
    return to_json(Done{std::string("this client is sent ") + (events_ ? "events" : "no events") +
                        (records_ ? " and plans" : " and no plans")});
}

Refused Client::not_permitted_here(const char* command) const {
    const std::string who = "root, vnumad's user and members of group " + std::string(actors_group);
    if (!socket_may_act_)
        return {not_permitted, std::string(command) +
                                   " is not possible through this socket, "
                                   "which is for reading: " +
                                   who + " may use control.sock"};
    return {not_permitted, std::string(command) + " may be used by " + who + "; user " +
                               std::to_string(caller_.uid) + " is none of them"};
}

bool Client::wants(Topic topic) const {
    return session_.negotiated() && (topic == Topic::events ? events_ : records_);
}

void Client::send_event(const std::string& line) {
    tell_lost_events();
    if (outgoing_bytes() > settings_->limits.outgoing_before_events || !reserve(line.size()))
        ++lost_events_;
    else
        queue(line);
}

void Client::lose_events(std::uint64_t count) {
    lost_events_ += count;
    tell_lost_events();
}

void Client::tell_lost_events() {
    if (lost_events_ == 0 || outgoing_bytes() > settings_->limits.outgoing_before_events) return;
    const JsonOut data = {{"count", std::exchange(lost_events_, 0)}};
    queue(qmp::encode_event(events_lost_event, data, now_us()));
}

// Makes room for a line. False if it may not wait.
bool Client::reserve(std::size_t bytes) {
    const std::size_t wanted = outgoing_bytes() + bytes;
    return wanted <= settings_->limits.outgoing && held_.resize(wanted);
}

void Client::queue(const std::string& line) {
    session_.send(line);
    output_.cancel();
}

}  // namespace vnuma::control
