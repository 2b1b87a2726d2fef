#include "integration/lab/command.hpp"

#include <nlohmann/json.hpp>

namespace vnuma::lab {

using nlohmann::json;

namespace {

json make_json(const TerminalSize& size) {
    return {{"rows", size.rows}, {"columns", size.columns}};
}

TerminalSize read_size(const json& value) {
    return {value.at("rows"), value.at("columns")};
}

}  // namespace

std::string to_json(const Command& command) {
    return json{{"argv", command.argv},
                {"directory", command.directory},
                {"environment", command.environment},
                {"terminal", command.terminal},
                {"size", make_json(command.size)}}
        .dump(-1, ' ', false, json::error_handler_t::replace);
}

Command command_from_json(std::string_view text) {
    const json value = json::parse(text);
    return {value.at("argv"), value.at("directory"), value.at("environment"), value.at("terminal"),
            read_size(value.at("size"))};
}

std::string to_json(const TerminalSize& size) {
    return make_json(size).dump();
}

TerminalSize size_from_json(std::string_view text) {
    return read_size(json::parse(text));
}

}  // namespace vnuma::lab
