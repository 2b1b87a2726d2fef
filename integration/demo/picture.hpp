// The demo's picture of guests on nodes, drawn from vnumad's reports. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vnuma::lab {

struct GuestPicture {
    std::string name;
    std::map<int, std::int64_t> bytes;  // by node
    std::vector<int> vcpu_nodes;        // where each vCPU ran last
    double locality = 0;                // share of local accesses
    std::string verdict;                // vnumad's own words
};

// The guests of one report, all cells of a guest taken together.
std::vector<GuestPicture> guests_of(const nlohmann::json& report);

// Bytes that a report's actions moved.
std::int64_t moved_bytes(const nlohmann::json& report);

// Every guest has a home and is whole there.
bool all_home(const nlohmann::json& report);

// Some lines for each guest; with block characters and colours for a terminal.
std::string draw(const std::vector<GuestPicture>& guests, bool terminal);

// One line for all guests, for a pipe.
std::string draw_line(const std::vector<GuestPicture>& guests);

// Before and after, side by side.
std::string draw_table(const std::vector<GuestPicture>& before,
                       const std::vector<GuestPicture>& after);

}  // namespace vnuma::lab
