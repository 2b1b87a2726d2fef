#include "src/ctl/top/heat_picture.hpp"

#include <algorithm>
#include <array>

#include "src/ctl/plain_text.hpp"
#include "src/ctl/top/figures.hpp"
#include "src/ctl/top/layout.hpp"
#include "src/ctl/top/overview_tables.hpp"

namespace vnuma::ctl::top {
namespace {

using control::HeatBlock;

constexpr int several_accessors = -2;
constexpr char32_t not_resident = U' ';

// From cold to hot. Heat has 0 to 1000.
constexpr std::array<char32_t, 5> ascii_levels{U'.', U'-', U'+', U'*', U'#'};
constexpr std::array<char32_t, 5> utf8_levels{U'·', U'░', U'▒', U'▓', U'█'};

char32_t draw_heat(PerMille heat, bool utf8) {
    // 0 is a level of its own: memory that nobody was seen to access.
    const PerMille level = heat <= 0 ? 0 : 1 + std::min<PerMille>(heat, 999) * 4 / 1000;
    return (utf8 ? utf8_levels : ascii_levels)[static_cast<std::size_t>(level)];
}

Cell draw_accessor(const HeatBlock& block, const std::map<int, int>& homes) {
    if (block.accessor == several_accessors) return {U'*', {}};
    if (block.accessor < 0) return {U'?', {.dim = true}};
    const auto home = homes.find(block.accessor);
    if (home == homes.end()) return {U'-', {}};
    return {static_cast<char32_t>(letter_of_node(home->second)),
            {.colour = colour_of_node(home->second)}};
}

const char* name(HeatMode mode) {
    switch (mode) {
        case HeatMode::heat:
            return "by heat";
        case HeatMode::node:
            return "by the memory's node";
        case HeatMode::accessor:
            return "by the accessing vCPU's home";
    }
    return "";
}

std::string describe(HeatMode mode, bool utf8) {
    switch (mode) {
        case HeatMode::heat: {
            std::string text = "Heat: cold ";
            for (const char32_t level : utf8 ? utf8_levels : ascii_levels)
                append_utf8(text, level);
            return text + " hot, blank not resident; colour: node";
        }
        case HeatMode::node:
            return "Node that has most of the block; blank: not resident";
        case HeatMode::accessor:
            return "Home of the vCPU; * several, ? not known, - no home";
    }
    return "";
}

void draw_nodes(Grid& grid, int y, const Model& model) {
    if (!model.status) return;
    int x = grid.put(0, y, "Nodes:");
    for (const control::NodeStatus& node : model.status->nodes) {
        if (x + 5 > grid.size().width) break;
        x = grid.put(x + 1, y, std::to_string(node.node), {.colour = colour_of_node(node.node)});
    }
    const std::string_view remote = "reversed: not at the home of its vCPU";
    if (x + 3 + static_cast<int>(remote.size()) <= grid.size().width)
        grid.put(x + 3, y, remote, {.reverse = true});
}

}  // namespace

char letter_of_node(int node) {
    constexpr std::string_view letters =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (node < 0 || node >= static_cast<int>(letters.size())) return '+';
    return letters[static_cast<std::size_t>(node)];
}

Cell draw_block(const HeatBlock& block, HeatMode mode, const std::map<int, int>& homes, bool utf8) {
    if (!block.node) return {not_resident, {}};
    Cell cell;
    switch (mode) {
        case HeatMode::heat:
            cell = {draw_heat(block.heat, utf8), {.colour = colour_of_node(*block.node)}};
            break;
        case HeatMode::node:
            cell = {static_cast<char32_t>(letter_of_node(*block.node)),
                    {.colour = colour_of_node(*block.node)}};
            break;
        case HeatMode::accessor:
            cell = draw_accessor(block, homes);
            break;
    }
    const auto home = homes.find(block.accessor);
    cell.style.reverse = home != homes.end() && home->second != *block.node;
    return cell;
}

std::map<int, int> find_homes(const std::vector<control::CellSummary>& cells) {
    std::map<int, int> homes;
    for (const control::CellSummary& cell : cells)
        if (cell.home)
            for (const int vcpu : cell.vcpus)
                homes[vcpu] = *cell.home;
    return homes;
}

void draw_heat_map(Grid& grid, const Model& model) {
    const HeatLayout layout = lay_out_heat(model);
    if (!model.heat_map) {
        grid.put(0, layout.top, model.view_trouble.empty() ? "Waiting for vnumad." : "");
        return;
    }
    const control::HeatMap& map = *model.heat_map;
    // Without heat, where the memory is can still be shown.
    const bool heat_known = map.trouble.empty();
    const HeatMode mode = heat_known ? model.heat_mode : HeatMode::node;
    const std::string title = std::to_string(map.blocks.size()) + " blocks of " +
                              format_size(map.block_bytes) + ", " +
                              (heat_known ? name(mode) : "no heat: " + map.trouble);
    grid.put(0, layout.top - 1, cut_text(title, grid.size().width, grid.utf8()));
    const control::GuestSummary* guest = find_guest(model, model.subject);
    const std::map<int, int> homes = guest ? find_homes(guest->cells) : std::map<int, int>{};
    const auto shown = std::min(map.blocks.size(), static_cast<std::size_t>(layout.blocks()));
    for (std::size_t i = 0; i < shown; ++i) {
        const int row = static_cast<int>(i) / layout.columns;
        const int column = static_cast<int>(i) % layout.columns;
        if (column == 0) {
            const std::string offset = format_size(static_cast<Bytes>(i) * map.block_bytes);
            const int x = layout.label - 2 - static_cast<int>(offset.size());
            grid.put(x, layout.top + row, offset, {.dim = true});
        }
        const Cell cell = draw_block(map.blocks[i], mode, homes, grid.utf8());
        grid.put_character(layout.label + column, layout.top + row, cell.character, cell.style);
    }
    const int legend = grid.size().height - 3;
    grid.put(0, legend, cut_text(describe(mode, grid.utf8()), grid.size().width, grid.utf8()));
    draw_nodes(grid, legend + 1, model);
}

}  // namespace vnuma::ctl::top
