// The server's side of a QMP conversation: greeting, negotiation of capabilities, requests. It has
// no I/O, no clock and no thread: received bytes go in, requests to answer and lines to send come
// out. The words of its errors are those of QEMU where QEMU has the same error.
//
// A request is on one line. It ends with the line, or earlier with its last bracket: clients such
// as QEMU's qmp-shell send requests without a newline. Unlike QEMU, a newline ends a request whose
// brackets are not closed, so that a broken request does not swallow those that follow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "qmp/line_buffer.hpp"

namespace vnuma::qmp {

// A longer request is answered with an error, and ends the conversation. The depth of a request is
// limited by max_nesting (outline.hpp).
inline constexpr std::size_t max_request_bytes = 64 * 1024;
// A request with a longer id is refused without an id.
inline constexpr std::size_t max_id_bytes = 256;
// The rest of a longer text of the client is left out where an error quotes it.
inline constexpr std::size_t max_quoted_bytes = 120;

// An id is any JSON value. A request without one is answered without one.
using RequestId = std::optional<nlohmann::json>;

struct Request {
    RequestId id;
    std::string command;
    nlohmann::json arguments;  // an object; empty if the request has none
};

// The session has answered a request itself.
struct Answered {};

using Received = std::variant<Request, Answered>;

// Lines with their end. Bytes that are not UTF-8 are replaced.
std::string encode_reply(const RequestId& id, const nlohmann::ordered_json& value);
std::string encode_refusal(const RequestId& id, std::string_view error_class,
                           std::string_view description);
// `time_us`: microseconds since 1970.
std::string encode_event(std::string_view name, const nlohmann::ordered_json& data,
                         std::int64_t time_us);

// The beginning of a text of the client, for errors.
std::string_view quotable(std::string_view text);

class ServerSession {
  public:
    // Queues the greeting. `version` is that of the program: "1.2.3", or fewer numbers.
    ServerSession(std::string_view program, std::string_view version);

    // Takes received bytes. It does not matter how they are divided over calls.
    void feed(std::string_view bytes);

    // What came of the next request; nothing if more bytes are needed, or if it is over(). The
    // session answers qmp_capabilities and what is no request.
    std::optional<Received> next();

    // Queues a line that encode_...() has returned.
    void send(std::string_view line) { outgoing_ += line; }

    // The lines that were queued since the last call. The owner limits how many it leaves here
    // before it calls next() again.
    std::string take_outgoing() { return std::exchange(outgoing_, {}); }
    std::size_t outgoing_bytes() const { return outgoing_.size(); }

    // Whether the client has negotiated capabilities. It gets no events before.
    bool negotiated() const { return negotiated_; }

    // Whether the conversation has ended with an error that is queued.
    bool over() const { return over_; }

  private:
    bool ends_request(char byte);
    Received receive(std::string_view line);
    Received receive_command(Request request);
    Received negotiate(const Request& request);
    Answered refuse(const RequestId& id, std::string_view description,
                    std::string_view error_class = "GenericError");

    LineBuffer lines_{max_request_bytes};
    // Where the bytes fed so far end in the JSON of a request.
    std::size_t depth_ = 0;
    bool in_string_ = false, escaped_ = false;
    std::string outgoing_;
    bool negotiated_ = false, over_ = false;
};

}  // namespace vnuma::qmp
