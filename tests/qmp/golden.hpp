// Answers of real QEMUs, recorded by tests/golden/record-qmp.sh.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "qmp/command.hpp"

namespace vnuma::qmp {

constexpr std::array<const char*, 2> golden_versions = {"7.2", "10.0"};

// The value of "return" or "error" in the answer with this id. `shape` is the recorded machine.
inline nlohmann::json golden(const std::string& version, const std::string& shape,
                             const std::string& id) {
    const std::string path = VNUMA_GOLDEN "/qmp-" + version + "/" + shape + ".txt";
    std::ifstream lines(path);
    for (std::string line; std::getline(lines, line);) {
        const nlohmann::json message = nlohmann::json::parse(line);
        if (message.value("id", "") != id) continue;
        return message.contains("return") ? message["return"] : message["error"];
    }
    throw std::runtime_error(path + ": no answer to " + id);
}

// The recorded answer to the command, whose id is the command's name unless given.
template <typename Reply>
Reply read(const Command<Reply>& command, const std::string& version, const std::string& shape,
           std::string id = "") {
    if (id.empty()) id = command.name;
    std::optional<Reply> reply = command.parse(golden(version, shape, id));
    EXPECT_TRUE(reply) << version << " " << shape << " " << id;
    return reply.value_or(Reply{});
}

template <typename Reply>
void expect_refused(const Command<Reply>& command, const nlohmann::json& value) {
    EXPECT_FALSE(command.parse(value)) << command.name << ": " << value;
}

}  // namespace vnuma::qmp
