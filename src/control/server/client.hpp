// One client of the control socket.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "qmp/memory_budget.hpp"
#include "qmp/server_session.hpp"
#include "src/control/server/handler.hpp"
#include "src/control/server/limits.hpp"
#include "src/control/server/request_rate.hpp"

namespace vnuma::control {

// What a client can be sent without asking.
enum class Topic { events, records };

// What all clients of a server have in common.
struct ClientSettings {
    ClientSettings(Handler& one, std::string version_text, const Limits& all)
        : handler(one),
          version(std::move(version_text)),
          limits(all),
          budget(std::make_shared<qmp::MemoryBudget>(all.outgoing_of_all)),
          time_of_readers(all.parts_of_time) {}

    Handler& handler;
    std::string version;
    Limits limits;
    std::shared_ptr<qmp::MemoryBudget> budget;  // of what waits for all clients
    std::atomic<int> record_readers{0};         // clients that want records; read by any thread
    TimeShare time_of_readers;                  // of clients that may not act
};

// All calls are made on the server's thread.
class Client {
  public:
    using Socket = boost::asio::local::stream_protocol::socket;

    // `socket_may_act`: whether anybody may act through this socket, for the words of a refusal.
    Client(Socket socket, Caller caller, bool socket_may_act,
           std::shared_ptr<ClientSettings> settings);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Serves the client until it ends, breaks a limit, or is stopped, and closes the connection.
    // The slot must be bound to the coroutine that awaits it. Throws nothing that belongs to the
    // connection.
    boost::asio::awaitable<void> run();
    boost::asio::cancellation_slot slot() { return stop_.slot(); }
    void stop() { stop_.emit(boost::asio::cancellation_type::terminal); }

    const Caller& caller() const { return caller_; }

    // Whether it is to be sent this. Never before it has negotiated capabilities.
    bool wants(Topic topic) const;
    // Sends the line of an event to a client that wants it, or counts it as lost.
    void send_event(const std::string& line);
    // Events were lost before they came here.
    void lose_events(std::uint64_t count);

  private:
    using Time = std::chrono::steady_clock::time_point;

    boost::asio::awaitable<void> read_loop();
    boost::asio::awaitable<void> write_loop();
    boost::asio::awaitable<void> watch();
    boost::asio::awaitable<void> wait_for_turn(Time begun);

    void answer(const qmp::Request& request);
    Reply dispatch(const qmp::Request& request);
    Reply set_events(const nlohmann::json& arguments);
    Refused not_permitted_here(const char* command) const;

    std::size_t outgoing_bytes() const { return session_.outgoing_bytes() + unsent_; }
    bool reserve(std::size_t bytes);
    void queue(const std::string& line);
    void tell_lost_events();
    Time next_deadline() const;

    Socket socket_;
    Caller caller_;
    bool socket_may_act_;
    std::shared_ptr<ClientSettings> settings_;
    boost::asio::cancellation_signal stop_;
    qmp::ServerSession session_;
    RequestRate rate_;
    bool events_ = true, records_ = false;
    std::uint64_t lost_events_ = 0;

    std::size_t unsent_ = 0;   // of the lines that the writer has taken from the session
    qmp::MemoryShare held_;    // what waits
    Time begun_, progress_{};  // when the client connected, and when the writer got on
    // Whoever waits for one of these is woken by cancelling it.
    boost::asio::steady_timer output_, room_, watch_;
    boost::asio::steady_timer pause_;
};

}  // namespace vnuma::control
