// QMP's wire format: bytes in, messages out. No I/O, no clock; see QEMU's docs/interop/qmp-spec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vnuma::qmp {

// A line longer than this ends the connection; libvirt's monitor has the same limit.
inline constexpr std::size_t max_line_bytes = 10 * 1024 * 1024;
// Arrays and objects inside each other; QEMU's own parser stops at 1024.
inline constexpr int max_nesting = 64;

// What a decoder keeps hold of while no message is under way.
inline constexpr std::size_t max_idle_bytes = 8 * 1024;

struct Greeting {
    std::string version;  // "7.2.22", or empty when the server does not say
    std::vector<std::string> capabilities;
};

// The answer to one request. `id` is absent when the server could not read the request's id.
struct Reply {
    std::optional<std::uint64_t> id;
    nlohmann::json value;
};

struct Refusal {
    std::optional<std::uint64_t> id;
    std::string error_class;  // "GenericError", "CommandNotFound", ...
    std::string description;
};

struct Event {
    std::string name;
    nlohmann::json data;
    std::int64_t time_us = 0;  // the server's wall clock
};

// The peer does not speak QMP. The connection is of no further use.
struct Malformed {
    std::string why;
};

using Message = std::variant<Greeting, Reply, Refusal, Event, Malformed>;

// Cuts a byte stream into messages. Feed any split of the bytes: the messages are the same.
class Decoder {
  public:
    void feed(std::string_view bytes);

    // The next complete message, or nothing until more bytes come. After Malformed, only Malformed.
    std::optional<Message> next();

    // Whether the last line fed has not ended yet.
    bool in_line() const { return begin_ < buffer_.size(); }

  private:
    std::optional<Message> fail(std::string why);

    std::string buffer_;
    std::size_t begin_ = 0;    // first byte not yet handed out
    std::size_t scanned_ = 0;  // no newline before this
    std::optional<Malformed> broken_;
};

// One line without its newline; pure.
Message parse_message(std::string_view line);

// A request as one line with its newline.
std::string encode_request(std::string_view command, const nlohmann::json& arguments,
                           std::uint64_t id);

}  // namespace vnuma::qmp
