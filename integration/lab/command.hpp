// What a lab host is asked to run, and how it travels there.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma::lab {

// The virtio port the agent finds by this name.
inline constexpr const char* port_name = "org.vnumad.lab";

struct TerminalSize {
    int rows = 0, columns = 0;

    bool operator==(const TerminalSize&) const = default;
};

struct Command {
    std::vector<std::string> argv;
    std::string directory;
    std::map<std::string, std::string> environment;  // all of it
    bool terminal = false;                           // give it a pseudo terminal
    TerminalSize size;                               // of that terminal
};

// Both readers throw nlohmann::json::exception.
std::string to_json(const Command& command);
Command command_from_json(std::string_view text);
std::string to_json(const TerminalSize& size);
TerminalSize size_from_json(std::string_view text);

}  // namespace vnuma::lab
