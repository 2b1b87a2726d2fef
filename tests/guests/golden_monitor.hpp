// The monitor of a recorded guest with two cells of the same size.
#pragma once

#include "guests/discovery/qemu_monitor.hpp"
#include "tests/guests/golden.hpp"

namespace vnuma::test {

// Addresses of the cells' memory in the process. The first is from the recorded reply to gpa2hva;
// the second belongs to the only other mapping of that size.
inline constexpr std::uint64_t vnuma_cell0 = 0x7f1479e00000, vnuma_cell1 = 0x7f1467c00000;
inline constexpr std::uint64_t vnuma_cell_bytes = 288 << 20;

class GoldenMonitor : public Monitor {
  public:
    nlohmann::json execute(const std::string& command, const nlohmann::json& arguments) override {
        ++commands;
        if (command != "human-monitor-command")
            return nlohmann::json::parse(
                read_golden("lab/vnuma/monitor/" + command + ".json"))["return"];
        const std::string line = arguments["command-line"];
        if (line == "info mtree -f") return read_golden("lab/vnuma/monitor/info-mtree-f.txt");
        const std::uint64_t address = std::stoull(line.substr(line.find(' ') + 1), nullptr, 0);
        const bool second = address >= vnuma_cell_bytes;
        std::ostringstream answer;
        answer << "Host virtual address for 0x" << std::hex << address << " (ram-node" << second
               << ") is 0x" << (second ? vnuma_cell1 - vnuma_cell_bytes : vnuma_cell0) + address
               << "\r\n";
        return answer.str();
    }

    int commands = 0;  // that were executed
};

}  // namespace vnuma::test
