// The demo's picture of guests and nodes, drawn from vnumad's reports. Pure.
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
    std::vector<int> vcpu_nodes;        // the node each vCPU ran on last, -1 if unknown
    double locality = 0;                // estimated share of local accesses, 0 to 1
    std::string verdict;                // vnumad's explanation
};

// The guests of a report, with the cells of each guest summed up.
std::vector<GuestPicture> guests_of(const nlohmann::json& report);

// The bytes that the actions of a report have moved.
std::int64_t moved_bytes(const nlohmann::json& report);

// Whether the report has guests and all of their cells are settled at their homes.
bool all_home(const nlohmann::json& report);

// A few lines per guest; a terminal gets block characters and colours.
std::string draw(const std::vector<GuestPicture>& guests, bool terminal);

// One line for all guests, for a pipe.
std::string draw_line(const std::vector<GuestPicture>& guests);

// A table with the guests before and after, side by side.
std::string draw_table(const std::vector<GuestPicture>& before,
                       const std::vector<GuestPicture>& after);

}  // namespace vnuma::lab
