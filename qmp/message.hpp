// QMP's wire format: bytes in, messages out. Pure: neither I/O nor a clock. The format is that of
// QEMU's docs/interop/qmp-spec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "qmp/line_buffer.hpp"
#include "qmp/memory_budget.hpp"

namespace vnuma::qmp {

// A longer line ends the connection. libvirt has the same limit.
inline constexpr std::size_t max_line_bytes = 10 * 1024 * 1024;
// Further capabilities of a greeting are left out. QEMU 10.0 has one.
inline constexpr std::size_t max_capabilities = 16;
// The rest of a longer description of an error is left out.
inline constexpr std::size_t max_description_bytes = 1024;

struct Greeting {
    std::string version;  // "7.2.22"; empty if the server sends none
    std::vector<std::string> capabilities;
};

// The answer to a request that succeeded. There is no `id` if the server could not read that of the
// request, or if it is none of ours.
struct Reply {
    std::optional<std::uint64_t> id;
    nlohmann::json value;
    MemoryShare memory{};  // what the value takes
};

// The answer to a request that failed.
struct Refusal {
    std::optional<std::uint64_t> id;
    std::string error_class;  // "GenericError", "CommandNotFound", ...
    std::string description;
};

struct Event {
    std::string name;
    nlohmann::json data;
    std::int64_t time_us = 0;  // microseconds since 1970 by the server's clock; 0 if it sends none
    MemoryShare memory{};      // what the data takes
};

// The connection is of no further use: the peer does not speak QMP, or there is too little memory
// left for what it sends.
struct Malformed {
    std::string reason;
    bool over_budget = false;
};

using Message = std::variant<Greeting, Reply, Refusal, Event, Malformed>;

// What is wanted of a peer.
struct Reception {
    bool events = false;  // whether events are wanted; otherwise they are dropped without parsing
    std::shared_ptr<MemoryBudget> budget{};  // null: each buffer has its own limit only
};

// Splits a stream of bytes into messages. It does not matter how the bytes are divided over calls
// of feed().
class Decoder {
  public:
    explicit Decoder(Reception reception = {});

    void feed(std::string_view bytes);

    // The next complete message; nothing if more bytes are needed. After Malformed, the same
    // Malformed is returned for ever.
    std::optional<Message> next();

    // Whether the bytes fed so far end inside a line.
    bool in_line() const { return lines_.in_line(); }

  private:
    std::optional<Message> decode(std::string_view line);
    void fail(Malformed reason);
    void fail_over_budget();

    bool events_wanted_;
    std::shared_ptr<MemoryBudget> budget_;
    LineBuffer lines_;
    std::optional<Malformed> broken_;
};

// Parses one line without its newline, nested at most max_nesting levels deep.
Message parse_message(std::string_view line);

// A request as one line with its newline. `arguments` is an object or null. Bytes that are not
// UTF-8 are replaced.
std::string encode_request(std::string_view command, const nlohmann::json& arguments,
                           std::uint64_t id);

}  // namespace vnuma::qmp
