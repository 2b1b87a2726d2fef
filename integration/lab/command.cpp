#include "integration/lab/command.hpp"

#include <nlohmann/json.hpp>

namespace vnuma::lab {

using nlohmann::json;

std::string to_json(const Command& command) {
    return json{{"argv", command.argv},
                {"directory", command.directory},
                {"environment", command.environment},
                {"terminal", command.terminal},
                {"rows", command.rows},
                {"columns", command.columns}}
        .dump(-1, ' ', false, json::error_handler_t::replace);
}

Command command_from_json(std::string_view text) {
    const json value = json::parse(text);
    return {value.at("argv"),     value.at("directory"), value.at("environment"),
            value.at("terminal"), value.at("rows"),      value.at("columns")};
}

}  // namespace vnuma::lab
