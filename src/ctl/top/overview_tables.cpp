#include "src/ctl/top/overview_tables.hpp"

#include <algorithm>

#include "policy/model/number_list.hpp"
#include "src/ctl/top/figures.hpp"

namespace vnuma::ctl::top {
namespace {

using control::CellSummary;
using control::GuestSummary;
using control::NodeStatus;

PerMille share_of(std::int64_t part, std::int64_t all) {
    if (all <= 0 || part <= 0) return 0;
    return std::min<PerMille>(
        static_cast<PerMille>(1000.0 * static_cast<double>(part) / static_cast<double>(all)), 1000);
}

Field make_bar(std::int64_t guests, std::int64_t others, std::int64_t all) {
    return {"",
            {},
            {{share_of(guests, all), U'#', U'█', {.colour = Colour::green}},
             {share_of(others, all), U'=', U'▒', {.colour = Colour::yellow}}},
            true};
}

Style style_of_locality(PerMille locality) {
    if (locality >= 900) return {.colour = Colour::green};
    return {.colour = locality >= 500 ? Colour::yellow : Colour::red};
}

Field make_locality_bar(PerMille locality) {
    return {"", {}, {{locality, U'#', U'█', style_of_locality(locality)}}, true};
}

std::vector<Field> make_row(const NodeStatus& node) {
    const Bytes used = std::max<Bytes>(node.memory - node.available, 0);
    // Pages of guests may be in pools of huge pages, which the node's memory does not count.
    const Bytes guests = std::min(node.guest_memory, used);
    return {{std::to_string(node.node)},
            make_bar(node.guest_use, node.other_use, node.capacity),
            {format_cpus(node.guest_use + node.other_use) + '/' + format_cpus(node.capacity)},
            make_bar(guests, used - guests, node.memory),
            {format_size(used) + '/' + format_size(node.memory)},
            {format_size(node.available)},
            {format_size(node.guest_memory)},
            {format_size(node.not_at_home)},
            {format_size(node.hot_remote),
             {.colour = node.hot_remote > 0 ? Colour::yellow : Colour::none}}};
}

std::vector<Field> make_row(const GuestSummary& guest) {
    constexpr std::size_t by_node_width = 15;
    return {{guest.name},
            {guest.state},
            {name(guest.doing), style_of(guest.doing)},
            {format_homes(guest.cells)},
            make_locality_bar(guest.locality),
            {format_share(guest.locality), style_of_locality(guest.locality)},
            {format_cpus(guest.cpu_use)},
            {format_size(sum(guest.memory))},
            {format_by_node(guest.memory, by_node_width)},
            {format_rate(guest.moved_per_second)},
            {format_time_left(guest.to_move, guest.moved_per_second)},
            {guest.why}};
}

std::vector<Field> make_row(const CellSummary& cell) {
    const bool is_shard = cell.shard.has_value();
    const std::string number =
        std::to_string(cell.cell) + (is_shard ? '.' + std::to_string(*cell.shard) : "");
    return {{number},
            {format_node(cell.home)},
            {cell.reason},
            {format_share(cell.locality), style_of_locality(cell.locality)},
            {is_shard ? "" : format_cpus(cell.cpu_use)},
            {is_shard ? "" : format_size(cell.size)},
            {format_by_node(cell.memory, 32)},
            {format_size(cell.to_move)},
            {format_number_list(cell.vcpus)}};
}

}  // namespace

Colour colour_of_node(int node) {
    constexpr int colors = colour_count - 1;
    // Green and blue first, since red is for trouble.
    constexpr Colour order[colors] = {Colour::green, Colour::blue,   Colour::magenta,
                                      Colour::cyan,  Colour::yellow, Colour::red};
    return order[std::max(node, 0) % colors];
}

Style style_of(control::Doing doing) {
    switch (doing) {
        case control::Doing::moving:
            return {.colour = Colour::cyan, .bold = true};
        case control::Doing::waiting:
        case control::Doing::paused:
            return {.colour = Colour::yellow};
        case control::Doing::hands_off:
            return {.colour = Colour::red};
        case control::Doing::at_home:
            return {.colour = Colour::green};
        case control::Doing::unsteady:
        case control::Doing::observed:
        case control::Doing::off:
        case control::Doing::roaming:
            break;
    }
    return {};
}

Table tabulate_nodes(const control::Status& status, std::size_t count) {
    Table table;
    table.columns = {{"NODE", 0, 4},       {"CPU", 1, 8, false, false, true},
                     {"USE/CPUS", 0, 8},   {"MEMORY", 4, 8, false, false, true},
                     {"USED/ALL", 3, 11},  {"FREE", 0, 5},
                     {"GUESTS", 5, 6},     {"NOT HOME", 2, 8},
                     {"HOT REMOTE", 0, 10}};
    for (std::size_t i = 0; i < std::min(count, status.nodes.size()); ++i)
        table.rows.push_back(make_row(status.nodes[i]));
    return table;
}

Table tabulate_guests(const std::vector<GuestSummary>& guests,
                      const std::vector<std::size_t>& shown) {
    Table table;
    table.columns = {{"NAME", 0, 8, false, true},
                     {"STATE", 9, 7, false},
                     {"DOING", 0, 9, false},
                     {"HOME", 1, 4, false},
                     {"LOCALITY", 11, 10, false},
                     {"LOC", 2, 4},
                     {"CPU", 3, 4},
                     {"MEM", 10, 5},
                     {"BY NODE", 7, 15, false},
                     {"MOVES", 5, 7},
                     {"LEFT", 6, 4},
                     {"WHY", 8, 16, false, true, true}};
    for (const std::size_t index : shown)
        table.rows.push_back(make_row(guests[index]));
    return table;
}

Table tabulate_cells(const std::vector<CellSummary>& cells) {
    Table table;
    table.columns = {
        {"CELL", 0, 4},        {"HOME", 0, 4}, {"REASON", 0, 12, false}, {"LOC", 1, 4},
        {"CPU", 2, 4},         {"SIZE", 4, 5}, {"BY NODE", 3, 7, false}, {"TO MOVE", 2, 7},
        {"VCPUS", 5, 5, false}};
    for (const CellSummary& cell : cells)
        table.rows.push_back(make_row(cell));
    return table;
}

}  // namespace vnuma::ctl::top
