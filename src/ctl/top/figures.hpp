// Numbers as the view shows them: short, with their units, never cut. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"

namespace vnuma::ctl::top {

std::string format_size(Bytes bytes);       // "0", "512K", "12.3G"; at most 5 characters
std::string format_rate(Bytes per_second);  // "512M/s"; empty where nothing moves
std::string format_cpus(MilliCpu cpus);     // "3.2", "123"
std::string format_share(PerMille share);   // "98%"; 100% is all of it only
// How long `bytes` take: "12s", "15m", "3h", "9d"; empty where nothing moves.
std::string format_time_left(Bytes bytes, Bytes per_second);
std::string format_clock(std::int64_t time_ms, int utc_offset_s);  // "02:13:20"
// Nodes that hold most memory, "0:12.3G 1:512M +2", in at most `width` columns where possible.
std::string format_by_node(const std::vector<control::NodeBytes>& memory, std::size_t width);
// Homes of all cells: "0", "0-3", "0,-" with cells that have none, "-".
std::string format_homes(const std::vector<control::CellSummary>& cells);
std::string format_node(const std::optional<int>& node);  // "-" where there is none

Bytes sum(const std::vector<control::NodeBytes>& memory);

}  // namespace vnuma::ctl::top
