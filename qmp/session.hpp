// The client's side of a QMP conversation: which requests are open, and to which of them an answer
// belongs. It has no I/O, no clock and no thread: received bytes go in, lines to send come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "qmp/message.hpp"

namespace vnuma::qmp {

// Limit of requests without an answer. Abandoned ones count, since QEMU still works on them.
inline constexpr std::size_t max_in_flight = 64;

// The answer to an open request. There is at most one for each id.
struct Answer {
    std::uint64_t id = 0;
    std::variant<nlohmann::json, Refusal> outcome;
    MemoryShare memory{};  // what the outcome takes
};

// After Malformed the conversation is over, and only Malformed follows.
using Incoming = std::variant<Greeting, Answer, Event, Malformed>;

// Numbers of answers that nobody waits for.
struct StrayAnswers {
    std::uint64_t late = 0;        // to abandoned requests, which are closed by them
    std::uint64_t duplicate = 0;   // to requests that were answered before
    std::uint64_t unknown = 0;     // to ids that no request had
    std::uint64_t without_id = 0;  // without an id, or with one that is no number
};

class Session {
  public:
    explicit Session(Reception reception = {}) : decoder_(std::move(reception)) {}

    // Queues a request and returns its id (1, 2, ...); nothing if max_in_flight are open.
    std::optional<std::uint64_t> begin(std::string_view command, const nlohmann::json& arguments);

    // Says that nobody waits for the answer any more. The request stays open until the answer
    // arrives, so a server that hangs is never sent more than max_in_flight requests.
    void abandon(std::uint64_t id);

    // Takes received bytes. It does not matter how they are divided over calls.
    void feed(std::string_view bytes) { decoder_.feed(bytes); }

    // What arrived next; nothing if more bytes are needed. Stray answers are counted and skipped,
    // and so are events, without being counted, unless the reception wants them.
    std::optional<Incoming> next();

    // The lines that were queued since the last call, at most max_in_flight.
    std::string take_outgoing() { return std::exchange(outgoing_, {}); }
    bool has_outgoing() const { return !outgoing_.empty(); }

    std::size_t in_flight() const { return open_.size(); }
    const StrayAnswers& stray_answers() const { return stray_answers_; }
    // What the last refusal without an id said. A server that takes no more clients sends one
    // before it closes the connection.
    const std::string& last_refusal() const { return last_refusal_; }

    // Whether the bytes fed so far end inside a message.
    bool in_message() const { return decoder_.in_line(); }

  private:
    struct Request {
        std::uint64_t id;
        bool abandoned;
    };

    // Closes the request. False if its answer is a stray one, which is counted.
    bool complete(std::optional<std::uint64_t> id);
    std::vector<Request>::iterator find(std::uint64_t id);
    Malformed fail(Malformed reason);

    Decoder decoder_;
    std::vector<Request> open_;  // sorted by id
    std::uint64_t next_id_ = 1;
    std::string outgoing_;
    StrayAnswers stray_answers_;
    std::string last_refusal_;
    bool greeted_ = false;
    std::optional<Malformed> broken_;
};

}  // namespace vnuma::qmp
