// One side of a QMP conversation: which requests are open, and what each line that arrives means.
// No I/O, no clock, no thread: bytes go in, lines to send come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "qmp/message.hpp"

namespace vnuma::qmp {

// Requests without an answer yet, abandoned ones among them: QEMU still works on those.
inline constexpr std::size_t max_in_flight = 64;

// The answer to an open request; each id gets at most one.
struct Answer {
    std::uint64_t id = 0;
    std::variant<nlohmann::json, Refusal> outcome;
};

// After Malformed the conversation is over: only Malformed follows.
using Incoming = std::variant<Greeting, Answer, Event, Malformed>;

// Answers that reach nobody.
struct StrayAnswers {
    std::uint64_t late = 0;        // to an abandoned request, whose place is free again
    std::uint64_t duplicate = 0;   // to a request that was answered before
    std::uint64_t unknown = 0;     // to an id that was never given out
    std::uint64_t without_id = 0;  // the server could not read a request, or its id is not ours
};

class Session {
  public:
    // Queues a request and returns its id (1, 2, ...); nothing when max_in_flight are open.
    std::optional<std::uint64_t> begin(std::string_view command, const nlohmann::json& arguments);

    // Nobody waits for this answer any more. The request stays open until the answer comes, so a
    // server that hangs is never sent more than max_in_flight requests.
    void abandon(std::uint64_t id);

    // Any split of the bytes gives the same sequence from next().
    void feed(std::string_view bytes) { decoder_.feed(bytes); }

    // What arrived next for the owner; nothing until more bytes come. Counts strays and skips them.
    std::optional<Incoming> next();

    // The lines to send since the last call, at most max_in_flight of them.
    std::string take_outgoing() { return std::exchange(outgoing_, {}); }
    bool has_outgoing() const { return !outgoing_.empty(); }

    std::size_t in_flight() const { return open_.size(); }
    const StrayAnswers& strays() const { return strays_; }

    // Whether the bytes fed so far end inside a message.
    bool in_message() const { return decoder_.in_line(); }

  private:
    struct Request {
        std::uint64_t id;
        bool abandoned;
    };

    // Closes the request; false for a stray.
    bool settle(std::optional<std::uint64_t> id);
    std::vector<Request>::iterator find(std::uint64_t id);
    Malformed fail(std::string why);

    Decoder decoder_;
    std::vector<Request> open_;  // by ascending id
    std::uint64_t next_id_ = 1;
    std::string outgoing_;
    StrayAnswers strays_;
    bool greeted_ = false;
    std::optional<Malformed> broken_;
};

}  // namespace vnuma::qmp
