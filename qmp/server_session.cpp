#include "qmp/server_session.hpp"

#include <array>

#include "qmp/outline.hpp"
#include "qmp/text_reader.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;

constexpr const char* negotiation_command = "qmp_capabilities";
// As QEMU ends its lines.
constexpr const char* end_of_line = "\r\n";

// By default, dump() throws on bytes that are not UTF-8.
template <typename Json>
std::string text_of(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string end_with_id(const RequestId& id) {
    return (id ? ",\"id\":" + text_of(*id) : "") + "}" + end_of_line;
}

// Shells for QMP, such as QEMU's, print the three numbers of "qemu" when they connect, and fail if
// there are none. They are those of this program, which "package" names.
std::string encode_greeting(std::string_view program, std::string_view version) {
    std::array<int, 3> numbers{};
    TextReader reader(version);
    for (int& number : numbers) {
        number = reader.number<int>(10).value_or(0);
        if (!reader.skip(".")) break;
    }
    nlohmann::ordered_json body;
    body["version"]["qemu"] = {{"micro", numbers[2]}, {"minor", numbers[1]}, {"major", numbers[0]}};
    body["version"]["package"] = std::string(program) + " " + std::string(version);
    body["capabilities"] = json::array();
    return "{\"QMP\":" + text_of(body) + "}" + end_of_line;
}

// The first mistake of the members of a request; empty if there is none.
std::string check_members(const json& object) {
    for (const auto& [key, value] : object.items())
        if (key != "execute" && key != "arguments" && key != "id")
            return "QMP input member '" + std::string(quotable(key)) + "' is unexpected";
    const auto execute = object.find("execute");
    if (execute == object.end()) return "QMP input lacks member 'execute'";
    if (!execute->is_string()) return "QMP input member 'execute' must be a string";
    const auto arguments = object.find("arguments");
    if (arguments != object.end() && !arguments->is_object())
        return "QMP input member 'arguments' must be an object";
    return "";
}

}  // namespace

std::string encode_reply(const RequestId& id, const nlohmann::ordered_json& value) {
    return "{\"return\":" + text_of(value) + end_with_id(id);
}

std::string encode_refusal(const RequestId& id, std::string_view error_class,
                           std::string_view description) {
    return "{\"error\":{\"class\":" + text_of(json(error_class)) +
           ",\"desc\":" + text_of(json(description)) + "}" + end_with_id(id);
}

std::string encode_event(std::string_view name, const nlohmann::ordered_json& data,
                         std::int64_t time_us) {
    constexpr std::int64_t second = 1'000'000;
    return "{\"timestamp\":{\"seconds\":" + std::to_string(time_us / second) +
           ",\"microseconds\":" + std::to_string(time_us % second) +
           "},\"event\":" + text_of(json(name)) + ",\"data\":" + text_of(data) + "}" + end_of_line;
}

std::string_view quotable(std::string_view text) {
    return text.substr(0, max_quoted_bytes);
}

ServerSession::ServerSession(std::string_view program, std::string_view version)
    : outgoing_(encode_greeting(program, version)) {}

void ServerSession::feed(std::string_view bytes) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < bytes.size() && !over_; ++i) {
        if (!ends_request(bytes[i])) continue;
        lines_.feed(bytes.substr(begin, i + 1 - begin));
        lines_.feed("\n");
        begin = i + 1;
    }
    if (!over_) lines_.feed(bytes.substr(begin));
}

// Whether this byte closes the last bracket of a request.
bool ServerSession::ends_request(char byte) {
    if (byte == '\n') {
        depth_ = 0;
        in_string_ = escaped_ = false;
    } else if (escaped_) {
        escaped_ = false;
    } else if (in_string_) {
        escaped_ = byte == '\\';
        in_string_ = byte != '"';
    } else if (byte == '"') {
        in_string_ = true;
    } else if (byte == '{' || byte == '[') {
        ++depth_;
    } else if ((byte == '}' || byte == ']') && depth_ > 0) {
        return --depth_ == 0;
    }
    return false;
}

std::optional<Received> ServerSession::next() {
    while (!over_) {
        const auto line = lines_.next();
        if (lines_.too_long()) {
            over_ = true;
            lines_.clear();
            return refuse({}, "a request is longer than " + std::to_string(max_request_bytes) +
                                  " bytes; the connection ends");
        }
        if (!line) break;
        if (line->find_first_not_of(" \t\r") != std::string_view::npos) return receive(*line);
    }
    return std::nullopt;
}

Received ServerSession::receive(std::string_view line) {
    if (outline_of(line).too_deep)
        return refuse({}, "JSON parse error, a request is nested more than " +
                              std::to_string(max_nesting) + " levels deep");
    json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (object.is_discarded()) return refuse({}, "JSON parse error, a request is not JSON");
    if (!object.is_object()) return refuse({}, "QMP input must be a JSON object");
    Request request;
    if (const auto id = object.find("id"); id != object.end()) {
        if (text_of(*id).size() > max_id_bytes)
            return refuse({}, "QMP input member 'id' is longer than " +
                                  std::to_string(max_id_bytes) + " bytes");
        request.id.emplace(std::move(*id));
    }
    if (const std::string mistake = check_members(object); !mistake.empty())
        return refuse(request.id, mistake);
    request.command = object["execute"].get<std::string>();
    const auto arguments = object.find("arguments");
    request.arguments = arguments == object.end() ? json::object() : std::move(*arguments);
    return receive_command(std::move(request));
}

Received ServerSession::receive_command(Request request) {
    constexpr const char* not_found = "CommandNotFound";
    const bool negotiates = request.command == negotiation_command;
    if (negotiates && negotiated_)
        return refuse(request.id, "Capabilities negotiation is already complete, command ignored",
                      not_found);
    if (negotiates) return negotiate(request);
    if (!negotiated_)
        return refuse(request.id, "Expecting capabilities negotiation with 'qmp_capabilities'",
                      not_found);
    return request;
}

Received ServerSession::negotiate(const Request& request) {
    for (const auto& [key, value] : request.arguments.items()) {
        if (key != "enable")
            return refuse(request.id,
                          "Parameter '" + std::string(quotable(key)) + "' is unexpected");
        if (!value.is_array())
            return refuse(request.id, "Invalid parameter type for 'enable', expected: array");
        if (!value.empty()) return refuse(request.id, "this server offers no capabilities");
    }
    negotiated_ = true;
    send(encode_reply(request.id, nlohmann::ordered_json::object()));
    return Answered{};
}

Answered ServerSession::refuse(const RequestId& id, std::string_view description,
                               std::string_view error_class) {
    send(encode_refusal(id, error_class, description));
    return {};
}

}  // namespace vnuma::qmp
