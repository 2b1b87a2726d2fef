#include "qmp/message.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;

// Checked before the line is parsed, since the parser can limit the depth only through a callback
// that halves its speed. Up to the first byte that is not JSON, where the parser stops, both count
// the same depth.
bool too_deep(std::string_view line) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > max_nesting) return true;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

template <typename Json>
Json* find(Json& object, const char* key) {
    auto it = object.find(key);
    return it == object.end() ? nullptr : &*it;
}

std::string string_or(const json& object, const char* key, std::string fallback) {
    const json* value = find(object, key);
    return value && value->is_string() ? value->get<std::string>() : std::move(fallback);
}

std::int64_t int_or_zero(const json& object, const char* key) {
    const json* value = find(object, key);
    return value && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

std::optional<std::uint64_t> id_of(const json& object) {
    const json* id = find(object, "id");
    if (!id || !id->is_number_unsigned()) return std::nullopt;
    return id->get<std::uint64_t>();
}

Message parse_greeting(const json& body) {
    Greeting greeting;
    const json* version = body.is_object() ? find(body, "version") : nullptr;
    const json* qemu = version && version->is_object() ? find(*version, "qemu") : nullptr;
    if (qemu && qemu->is_object())
        greeting.version = std::to_string(int_or_zero(*qemu, "major")) + "." +
                           std::to_string(int_or_zero(*qemu, "minor")) + "." +
                           std::to_string(int_or_zero(*qemu, "micro"));
    const json* capabilities = body.is_object() ? find(body, "capabilities") : nullptr;
    if (capabilities && capabilities->is_array())
        for (const json& capability : *capabilities)
            if (capability.is_string()) greeting.capabilities.push_back(capability);
    return greeting;
}

Message parse_event(json& object, std::string name) {
    Event event{std::move(name), json::object(), 0};
    if (json* data = find(object, "data")) event.data = std::move(*data);
    const json* stamp = find(object, "timestamp");
    // QEMU sends -1 if its host clock failed. Unsigned arithmetic is defined for any values.
    if (stamp && stamp->is_object())
        event.time_us = static_cast<std::int64_t>(
            static_cast<std::uint64_t>(int_or_zero(*stamp, "seconds")) * 1'000'000U +
            static_cast<std::uint64_t>(int_or_zero(*stamp, "microseconds")));
    return event;
}

}  // namespace

Message parse_message(std::string_view line) {
    if (too_deep(line))
        return Malformed{"a message is nested more than " + std::to_string(max_nesting) +
                         " levels deep"};
    json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (object.is_discarded()) return Malformed{"a message is not JSON"};
    if (!object.is_object()) return Malformed{"a message is not an object"};
    if (const json* greeting = find(object, "QMP")) return parse_greeting(*greeting);
    if (json* value = find(object, "return")) return Reply{id_of(object), std::move(*value)};
    if (const json* error = find(object, "error")) {
        if (!error->is_object()) return Malformed{"an error is not an object"};
        return Refusal{id_of(object), string_or(*error, "class", "GenericError"),
                       string_or(*error, "desc", "no description")};
    }
    if (const json* name = find(object, "event")) {
        if (!name->is_string()) return Malformed{"the name of an event is not a string"};
        return parse_event(object, name->get<std::string>());
    }
    return Malformed{"a message is neither greeting nor reply nor error nor event"};
}

void Decoder::feed(std::string_view bytes) {
    if (broken_) return;
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
    // The memory of one long answer is not kept for good.
    if (buffer_.empty() && buffer_.capacity() > max_idle_bytes) buffer_.shrink_to_fit();
    buffer_.append(bytes);
}

std::optional<Message> Decoder::next() {
    while (!broken_) {
        const std::size_t newline = buffer_.find('\n', scanned_);
        const std::size_t length =
            (newline == std::string::npos ? buffer_.size() : newline) - begin_;
        if (length > max_line_bytes)
            return fail("a line is longer than " + std::to_string(max_line_bytes) + " bytes");
        if (newline == std::string::npos) {
            scanned_ = buffer_.size();
            return std::nullopt;
        }
        std::string_view line(buffer_.data() + begin_, length);
        begin_ = scanned_ = newline + 1;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) continue;
        Message message = parse_message(line);
        if (auto* malformed = std::get_if<Malformed>(&message)) return fail(malformed->reason);
        return message;
    }
    return *broken_;
}

std::optional<Message> Decoder::fail(std::string reason) {
    broken_ = Malformed{std::move(reason)};
    buffer_.clear();
    begin_ = scanned_ = 0;
    return *broken_;
}

std::string encode_request(std::string_view command, const nlohmann::json& arguments,
                           std::uint64_t id) {
    // By default, dump() throws on bytes that are not UTF-8.
    auto text = [](const json& value) {
        return value.dump(-1, ' ', false, json::error_handler_t::replace);
    };
    std::string line = "{";
    if (!arguments.is_null()) line += "\"arguments\":" + text(arguments) + ",";
    line += "\"execute\":" + text(command) + ",\"id\":" + std::to_string(id) + "}\n";
    return line;
}

}  // namespace vnuma::qmp
