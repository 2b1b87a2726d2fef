#include "src/ctl/guest_words.hpp"

#include <algorithm>

#include "policy/model/number_list.hpp"
#include "src/ctl/units.hpp"

namespace vnuma::ctl {

std::string format_homes(const std::vector<control::CellSummary>& cells) {
    std::vector<int> homes;
    std::string each;
    for (const control::CellSummary& cell : cells) {
        // An empty cell needs no home, and the shards of a split one have theirs.
        if (cell.reason == "empty" || cell.reason == "split") continue;
        if (cell.home) homes.push_back(*cell.home);
        each += (each.empty() ? "" : ",") + format_node(cell.home);
    }
    if (homes.empty()) return "-";
    const bool all = each.find('-') == std::string::npos;
    return all ? format_number_list(homes) : each;
}

std::string format_node(const std::optional<int>& node) {
    return node ? std::to_string(*node) : "-";
}

std::string format_by_node(const std::vector<control::NodeBytes>& memory) {
    std::string text;
    for (const control::NodeBytes& one : memory)
        text +=
            (text.empty() ? "" : ", ") + std::to_string(one.node) + ": " + format_size(one.bytes);
    return text.empty() ? "-" : text;
}

std::string format_move(Bytes to_move, Bytes per_second) {
    if (to_move == 0 && per_second == 0) return "-";
    return format_size(to_move) + (per_second > 0 ? ", " + format_rate(per_second) : "");
}

std::string format_doing(control::Doing doing) {
    std::string text = control::name(doing);
    std::replace(text.begin(), text.end(), '-', ' ');
    return text;
}

Colour colour_of(control::Doing doing) {
    switch (doing) {
        case control::Doing::at_home:
            return Colour::green;
        case control::Doing::moving:
        case control::Doing::waiting:
        case control::Doing::paused:
            return Colour::yellow;
        case control::Doing::hands_off:
            return Colour::red;
        case control::Doing::unsteady:
        case control::Doing::observed:
        case control::Doing::off:
        case control::Doing::roaming:
            return Colour::none;
    }
    return Colour::none;
}

std::string format_part(const std::string& guest, std::optional<int> cell,
                        std::optional<int> shard) {
    std::string text = guest;
    if (cell) text += " cell " + std::to_string(*cell);
    if (shard) text += " shard " + std::to_string(*shard);
    return text;
}

}  // namespace vnuma::ctl
