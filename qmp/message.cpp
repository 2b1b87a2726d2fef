#include "qmp/message.hpp"

#include "qmp/outline.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;

template <typename Json>
Json* find(Json& object, const char* key) {
    auto it = object.find(key);
    return it == object.end() ? nullptr : &*it;
}

std::string string_or(const json& object, const char* key, std::string fallback) {
    const json* value = find(object, key);
    return value && value->is_string() ? value->get<std::string>() : std::move(fallback);
}

// A text of an error or a greeting is kept for longer than the message.
std::string short_text(std::string text) {
    if (text.size() > max_description_bytes) text.resize(max_description_bytes);
    text.shrink_to_fit();
    return text;
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
            if (capability.is_string() && greeting.capabilities.size() < max_capabilities)
                greeting.capabilities.push_back(short_text(capability));
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
    json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (object.is_discarded()) return Malformed{"a message is not JSON"};
    if (!object.is_object()) return Malformed{"a message is not an object"};
    if (const json* greeting = find(object, "QMP")) return parse_greeting(*greeting);
    if (json* value = find(object, "return")) return Reply{id_of(object), std::move(*value)};
    if (const json* error = find(object, "error")) {
        if (!error->is_object()) return Malformed{"an error is not an object"};
        return Refusal{id_of(object), short_text(string_or(*error, "class", "GenericError")),
                       short_text(string_or(*error, "desc", "no description"))};
    }
    if (const json* name = find(object, "event")) {
        if (!name->is_string()) return Malformed{"the name of an event is not a string"};
        return parse_event(object, name->get<std::string>());
    }
    return Malformed{"a message is neither greeting nor reply nor error nor event"};
}

Decoder::Decoder(Reception reception)
    : events_wanted_(reception.events),
      budget_(std::move(reception.budget)),
      lines_(max_line_bytes, budget_) {}

void Decoder::feed(std::string_view bytes) {
    if (!broken_ && !lines_.feed(bytes)) fail_over_budget();
}

std::optional<Message> Decoder::next() {
    while (!broken_) {
        const auto line = lines_.next();
        if (lines_.too_long())
            fail({"a line is longer than " + std::to_string(max_line_bytes) + " bytes"});
        else if (!line)
            return std::nullopt;
        else if (auto message = decode(*line))
            return message;
    }
    return *broken_;
}

// Returns nothing if nobody wants the message, or if it is the last one.
std::optional<Message> Decoder::decode(std::string_view line) {
    if (line.empty()) return std::nullopt;
    const Outline outline = outline_of(line);
    if (outline.too_deep) {
        fail({"a message is nested more than " + std::to_string(max_nesting) + " levels deep"});
        return std::nullopt;
    }
    // An event that nobody takes is not even parsed: a peer may send any number of them.
    if (outline.event && !events_wanted_) return std::nullopt;
    MemoryShare memory(budget_);
    if (!memory.resize(parsed_bytes(outline, line))) {
        fail_over_budget();
        return std::nullopt;
    }
    Message message = parse_message(line);
    if (auto* malformed = std::get_if<Malformed>(&message)) {
        fail(std::move(*malformed));
        return std::nullopt;
    }
    if (auto* reply = std::get_if<Reply>(&message))
        reply->memory = std::move(memory);
    else if (auto* event = std::get_if<Event>(&message))
        event->memory = std::move(memory);
    return message;
}

void Decoder::fail(Malformed reason) {
    broken_ = std::move(reason);
    lines_.clear();
}

void Decoder::fail_over_budget() {
    fail({"its messages take more memory than is left of the " +
              std::to_string(budget_->bytes() >> 20) + " MiB for all QMP connections",
          true});
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
