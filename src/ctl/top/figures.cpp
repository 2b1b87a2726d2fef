#include "src/ctl/top/figures.hpp"

#include <algorithm>
#include <array>

#include "policy/model/number_list.hpp"

namespace vnuma::ctl::top {
namespace {

// With one decimal below 100, so that it has at most four characters below 1000.
std::string format_tenths(std::int64_t tenths) {
    if (tenths >= 1000) return std::to_string((tenths + 5) / 10);
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10);
}

std::string two_digits(std::int64_t value) {
    return (value < 10 ? "0" : "") + std::to_string(value);
}

}  // namespace

std::string format_size(Bytes bytes) {
    constexpr std::array<char, 6> units{'K', 'M', 'G', 'T', 'P', 'E'};
    if (bytes <= 0) return "0";
    std::size_t unit = 0;
    Bytes one = 1024;
    // From 999.5 on, the next unit is shorter.
    while (unit + 1 < units.size() && bytes >= one * 999 + one / 2) {
        one *= 1024;
        ++unit;
    }
    const Bytes whole = bytes / one, part = bytes % one;
    // A tenth of a unit, rounded; part * 10 would overflow for units of 1 EiB.
    const Bytes tenths = whole * 10 + (part + one / 20) / (one / 10);
    return format_tenths(tenths) + units[unit];
}

std::string format_rate(Bytes per_second) {
    return per_second > 0 ? format_size(per_second) + "/s" : "";
}

std::string format_cpus(MilliCpu cpus) {
    return format_tenths((std::max<MilliCpu>(cpus, 0) + 50) / 100);
}

std::string format_share(PerMille share) {
    return std::to_string(std::clamp<PerMille>(share, 0, 1000) / 10) + '%';
}

std::string format_time_left(Bytes bytes, Bytes per_second) {
    if (bytes <= 0 || per_second <= 0) return "";
    const std::int64_t seconds = bytes / per_second + (bytes % per_second != 0);
    if (seconds < 120) return std::to_string(seconds) + 's';
    if (seconds < 120 * 60) return std::to_string(seconds / 60) + 'm';
    if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + 'h';
    if (seconds < 100 * 86'400) return std::to_string(seconds / 86'400) + 'd';
    return ">99d";
}

std::string format_clock(std::int64_t time_ms, int utc_offset_s) {
    constexpr std::int64_t day = 86'400;
    const std::int64_t seconds = ((time_ms / 1000 + utc_offset_s) % day + day) % day;
    return two_digits(seconds / 3600) + ':' + two_digits(seconds / 60 % 60) + ':' +
           two_digits(seconds % 60);
}

std::string format_by_node(const std::vector<control::NodeBytes>& memory, std::size_t width) {
    std::vector<control::NodeBytes> most;
    for (const control::NodeBytes& node : memory)
        if (node.bytes > 0) most.push_back(node);
    std::stable_sort(most.begin(), most.end(),
                     [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
    std::string text;
    for (std::size_t i = 0; i < most.size(); ++i) {
        const std::string entry = std::to_string(most[i].node) + ':' + format_size(most[i].bytes);
        const std::string rest =
            i + 1 < most.size() ? " +" + std::to_string(most.size() - i - 1) : "";
        if (i > 0 && text.size() + 1 + entry.size() + rest.size() > width)
            return text + " +" + std::to_string(most.size() - i);
        text += (i > 0 ? " " : "") + entry;
    }
    return text;
}

std::string format_homes(const std::vector<control::CellSummary>& cells) {
    // A list longer than this says how many nodes it has instead.
    constexpr std::size_t longest = 11;
    std::vector<int> homes;
    bool homeless = false;
    for (const control::CellSummary& cell : cells) {
        if (cell.home)
            homes.push_back(*cell.home);
        else if (cell.reason != "split" && cell.reason != "empty")
            homeless = true;
    }
    if (homes.empty()) return "-";
    std::sort(homes.begin(), homes.end());
    homes.erase(std::unique(homes.begin(), homes.end()), homes.end());
    std::string list = format_number_list(homes);
    if (list.size() > longest) list = std::to_string(homes.size()) + " nodes";
    return homeless ? list + ",-" : list;
}

std::string format_node(const std::optional<int>& node) {
    return node ? std::to_string(*node) : "-";
}

Bytes sum(const std::vector<control::NodeBytes>& memory) {
    Bytes all = 0;
    for (const control::NodeBytes& node : memory)
        all += node.bytes;
    return all;
}

}  // namespace vnuma::ctl::top
