// vnumactl's side of the control socket (docs/control.md). One request at a time. A call blocks,
// with a limit; begin() and take_reply() do not, for whom keys must not wait for the daemon. Not
// thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "guests/process/file_descriptor.hpp"
#include "qmp/session.hpp"
#include "src/control/protocol/json.hpp"

namespace vnuma::ctl {

inline constexpr const char* run_directory = "/run/vnumad";

// Nobody listens, or the socket may not be used. what() says which sockets were tried, why that
// failed, and what to do.
struct NoDaemon : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The daemon refused a request. what() is its description.
struct ControlError : std::runtime_error {
    ControlError(std::string its_class, const std::string& description)
        : std::runtime_error(description), error_class(std::move(its_class)) {}

    std::string error_class;  // "GuestNotFound", ...
};

// The connection ended, the daemon did not answer in time, or what it sent cannot be read.
struct ConnectionLost : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct ControlEvent {
    std::string name;
    nlohmann::json data;
    std::int64_t time_ms = 0;  // since 1970
};

// The sockets to try, in this order. `given` (--connect) comes before `environment`
// (VNUMACTL_CONNECT), which comes before the two sockets of the daemon. Empty texts are none.
std::vector<std::string> sockets_to_try(const std::string& given, const std::string& environment,
                                        const std::string& directory = run_directory);

class Connection {
  public:
    // The daemon answers from memory, in milliseconds. A host that is out of memory takes longer.
    static constexpr std::chrono::milliseconds default_timeout{10'000};
    // Events that arrive during a call are kept for next_event(). The oldest are dropped.
    static constexpr std::size_t max_kept_events = 10'000;

    // The first call connects to the first of the sockets that can be opened. So does the first one
    // after the connection was lost; what set-events has set for the old one is forgotten then.
    explicit Connection(std::vector<std::string> sockets,
                        std::chrono::milliseconds timeout = default_timeout);
    // Takes over a connected socket, whose name is for errors. It is not connected again.
    Connection(FileDescriptor socket, std::string name,
               std::chrono::milliseconds timeout = default_timeout);

    // Returns what the daemon returns. Throws NoDaemon, ControlError or ConnectionLost.
    nlohmann::json call(const char* command, const JsonOut& arguments = JsonOut::object());

    // The same with a struct of protocol/ as arguments and as the reply.
    template <typename Reply, typename Arguments>
    Reply ask(const char* command, const Arguments& arguments) {
        return read_reply<Reply>(command, call(command, control::to_json(arguments)));
    }
    template <typename Reply>
    Reply ask(const char* command) {
        return read_reply<Reply>(command, call(command));
    }

    // Fields of a newer daemon are ignored. Throws ConnectionLost for what is no such reply.
    template <typename Reply>
    static Reply read_reply(const char* command, const nlohmann::json& reply) {
        try {
            return control::from_json<Reply>(reply, false);
        } catch (const FormatError& error) {
            throw ConnectionLost(
                std::string("the reply to ") + command +
                " cannot be read, vnumad may be of another version: " + error.what());
        }
    }

    // Sends a request without waiting for anything. Its reply is to be taken before the next one is
    // begun. Throws NoDaemon or ConnectionLost.
    void begin(const char* command, const JsonOut& arguments = JsonOut::object());
    // The reply to the request that was begun, if it has come. Throws ControlError or
    // ConnectionLost.
    std::optional<nlohmann::json> take_reply();
    // Can be read when take_reply() has something to read. -1 while there is no connection.
    int descriptor() const { return socket_.get(); }

    // Waits for an event. Nothing after `timeout`, or once the descriptor `also` can be read.
    // Without a timeout it waits for ever. Throws NoDaemon or ConnectionLost.
    std::optional<ControlEvent> next_event(std::optional<std::chrono::milliseconds> timeout,
                                           int also = -1);

    // Events that were dropped because there were more than max_kept_events.
    std::uint64_t lost_events() const { return lost_events_; }
    // That it is connected to, or was last.
    const std::string& socket() const { return name_; }

  private:
    using Deadline = std::optional<std::chrono::steady_clock::time_point>;

    void connect(std::chrono::milliseconds patience);
    void begin(const char* command, const JsonOut& arguments, const Deadline& deadline);
    std::optional<nlohmann::json> next_reply();
    std::optional<qmp::Incoming> next_message();
    bool wait(short events, const Deadline& deadline, int also = -1);
    void send(const Deadline& deadline);
    bool receive();
    void keep(qmp::Event event);
    [[noreturn]] void lose(std::string why);

    const std::vector<std::string> sockets_;
    FileDescriptor socket_;
    bool negotiates_ = false;    // capabilities are asked for, or negotiated already
    std::uint64_t request_ = 0;  // id of the request that was begun
    std::string name_;
    std::chrono::milliseconds timeout_;
    qmp::Session session_{qmp::Reception{.events = true}};
    std::deque<ControlEvent> events_;
    std::uint64_t lost_events_ = 0;
};

}  // namespace vnuma::ctl
