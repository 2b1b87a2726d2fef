// What real QEMUs answered, recorded by tests/golden/record-qmp.sh.
#pragma once

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace vnuma::qmp {

constexpr std::array<const char*, 2> golden_versions = {"7.2", "10.0"};

// The value of "return" (or of "error") that `shape` of machine gave to what was asked as `id`.
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

}  // namespace vnuma::qmp
