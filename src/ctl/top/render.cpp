#include "src/ctl/top/render.hpp"

#include <algorithm>

#include "src/ctl/plain_text.hpp"
#include "src/ctl/top/dialog.hpp"
#include "src/ctl/top/figures.hpp"
#include "src/ctl/top/heat_picture.hpp"
#include "src/ctl/top/layout.hpp"
#include "src/ctl/top/navigation.hpp"
#include "src/ctl/top/overview_tables.hpp"
#include "src/ctl/top/pages.hpp"

namespace vnuma::ctl::top {
namespace {

std::string describe_mode(const Model& model) {
    if (!model.status) return "vnumad";
    std::string text = std::string("vnumad ") + name(model.status->mode);
    if (!model.status->frozen.empty()) text += " frozen";
    if (!model.status->blind.empty()) text += " blind";
    return text;
}

// Parts of the header, the most important first.
std::vector<std::string> list_header(const Model& model, const Abilities& abilities) {
    std::vector<std::string> parts{describe_mode(model)};
    if (!model.status) return parts;
    const control::GuestCounts& guests = model.status->guests;
    parts.push_back(std::to_string(guests.at_home) + " at home");
    parts.push_back(std::to_string(guests.moving) + " moving");
    parts.push_back(std::to_string(guests.waiting) + " waiting");
    parts.push_back(format_clock(model.status->time_ms, abilities.utc_offset_s));
    parts.push_back(std::to_string(guests.all) + " guests");
    parts.push_back(std::to_string(guests.roaming) + " roaming");
    parts.push_back(std::to_string(guests.left_alone) + " left alone");
    parts.push_back("tick " + std::to_string(model.status->tick));
    return parts;
}

std::string view_title(const Model& model) {
    const control::GuestSummary* guest = find_guest(model, model.subject);
    const std::string subject = guest ? guest->name : "a guest that has ended";
    switch (model.view()) {
        case View::details:
            return "Details of " + subject;
        case View::heat_map:
            return "Memory of " + subject;
        case View::explanation:
            return "Explanation of " + subject;
        case View::host:
            return "Host";
        case View::help:
            return "Help";
        case View::overview:
            break;
    }
    return "";
}

// Parts that do not fit are left out, so that no number is cut.
void draw_header(Grid& grid, const Model& model, const Abilities& abilities) {
    const Style style{.bold = true};
    const int gap = grid.size().width < 60 ? 1 : 2;
    int x = 0;
    if (model.view() != View::overview) {
        const int room = grid.size().width * 2 / 3;
        x = grid.put(0, 0, cut_text(view_title(model), room, grid.utf8()), style) + gap;
    }
    for (const std::string& part : list_header(model, abilities)) {
        if (x + static_cast<int>(part.size()) > grid.size().width) break;
        x = grid.put(x, 0, part, style) + gap;
    }
}

void draw_notice(Grid& grid, const std::string& notice) {
    const Style style{.colour = Colour::red, .bold = true};
    grid.put(0, 1, cut_text(notice, grid.size().width, grid.utf8()), style);
}

void draw_nodes(Grid& grid, const Model& model, const OverviewLayout& layout) {
    if (!model.status) {
        // The notice above is cut to one line. Here is room for all of it.
        int y = layout.nodes_top;
        for (const std::string& line :
             wrap_text(model.lost.empty() ? "Waiting for vnumad." : model.lost, grid.size().width,
                       grid.utf8()))
            grid.put(0, y++, line);
        return;
    }
    const auto all = static_cast<int>(model.status->nodes.size());
    const bool hidden = all > layout.node_rows;
    const int drawn = hidden ? layout.node_rows - 1 : all;
    const Table table = tabulate_nodes(*model.status, static_cast<std::size_t>(drawn));
    const int y = draw_table(grid, layout.nodes_top, drawn + 1, table);
    if (hidden)
        grid.put(0, y,
                 std::to_string(all - drawn) + (drawn > 0 ? " more" : "") +
                     " nodes; n shows all of them");
}

void draw_guests(Grid& grid, const Model& model, const OverviewLayout& layout) {
    if (!model.status) return;
    const std::size_t first = std::min(model.first_row, model.shown.size());
    const std::size_t count =
        std::min(model.shown.size() - first, static_cast<std::size_t>(layout.guest_rows));
    const auto begin = model.shown.begin() + static_cast<std::ptrdiff_t>(first);
    Table table =
        tabulate_guests(model.guests, {begin, begin + static_cast<std::ptrdiff_t>(count)});
    table.selected = model.selected.empty()
                         ? -1
                         : static_cast<int>(find_selected_row(model)) - static_cast<int>(first);
    const int y = draw_table(grid, layout.guests_top, layout.guest_rows + 1, table);
    if (!model.shown.empty()) return;
    grid.put(0, y,
             model.guests.empty() ? "There are no guests."
                                  : "No guest passes the filter; Esc removes it.");
}

void draw_overview(Grid& grid, const Model& model) {
    const OverviewLayout layout = lay_out_overview(model);
    draw_nodes(grid, model, layout);
    draw_guests(grid, model, layout);
}

// Returns how many rows of the page are below those that are shown.
int draw_page(Grid& grid, const Model& model, const Abilities& abilities) {
    if (model.view() == View::heat_map) {
        draw_heat_map(grid, model);
        return 0;
    }
    const PageLayout layout = lay_out_page(model);
    const Grid page = make_page(model, abilities);
    const int last = std::max(page.size().height - layout.rows, 0);
    const int scroll = std::clamp(model.scroll, 0, last);
    grid.copy_rows(page, scroll, layout.top, layout.rows);
    return last - scroll;
}

bool is_key_of(View view, std::string_view keys) {
    if (keys == "q" || keys == "?") return true;
    if (view == View::overview) return true;
    if (view == View::help || view == View::host) return keys == "f";
    return keys == "e" || keys == "h" || keys == "p" || keys == "f";
}

void draw_keys(Grid& grid, const Model& model, int rows_below) {
    const int y = grid.size().height - 1;
    int x = 0, limit = grid.size().width;
    if (rows_below > 0) {
        const std::string below =
            " " + std::to_string(rows_below) + (rows_below == 1 ? " row below " : " rows below ");
        limit -= static_cast<int>(below.size());
        grid.put(limit, y, below, {.reverse = true});
    }
    const auto add = [&](std::string_view keys, const std::string& what) {
        const int end = x + static_cast<int>(keys.size() + 1 + what.size());
        if (end > limit) return false;
        grid.put(x, y, keys, {.bold = true});
        grid.put(x + static_cast<int>(keys.size()) + 1, y, what);
        x = end + 2;
        return true;
    };
    if (model.view() == View::heat_map) add("Tab", "mode");
    if (model.view() != View::overview) add("Esc", "back");
    for (const KeyHelp& key : key_help) {
        if (*key.brief == 0 || !is_key_of(model.view(), key.keys)) continue;
        std::string what = key.brief;
        if (what == "sort") what += std::string(": ") + name(model.order.key);
        if (what == "freeze" && model.status && !model.status->frozen.empty()) what = "thaw";
        if (!add(key.keys, what)) break;
    }
}

void draw_last_row(Grid& grid, const Model& model, int rows_below) {
    const int y = grid.size().height - 1, width = grid.size().width;
    const bool filters = model.view() == View::overview && !model.filter.empty();
    if (!model.message.empty()) {
        grid.put(0, y, cut_text(model.message, width, grid.utf8()), {.bold = true});
    } else if (model.typing_filter) {
        // The end of a long text is shown, since that is where it is typed.
        std::string_view end = model.filter;
        while (width_of(end, grid.utf8()) > width - 2)
            take_character(end, grid.utf8());
        const int x = grid.put(grid.put(0, y, "/", {.bold = true}), y, end);
        grid.put(x, y, " ", {.reverse = true});
        const std::string help = "Enter keep  Esc all";
        if (x + 3 + static_cast<int>(help.size()) <= width)
            grid.put(width - static_cast<int>(help.size()), y, help);
    } else if (filters) {
        const std::string text = std::to_string(model.shown.size()) + " of " +
                                 std::to_string(model.guests.size()) + " guests  Esc all  /";
        const int x = grid.put(0, y, text, {.bold = true});
        grid.put(x, y, cut_text(model.filter, width - x, grid.utf8()));
    } else {
        draw_keys(grid, model, rows_below);
    }
}

// What fits a terminal that is too small for anything else.
void draw_small(Grid& grid, const Model& model) {
    std::string text = describe_mode(model);
    if (model.is_silent()) text = "vnumad does not answer";
    text += ". The terminal is too small: " + std::to_string(least_size.width) + "x" +
            std::to_string(least_size.height) + " is the least.";
    int y = 0;
    for (const std::string& line : wrap_text(text, grid.size().width, grid.utf8()))
        grid.put(0, y++, line);
}

}  // namespace

Grid render(const Model& model, const Abilities& abilities) {
    Grid grid(model.size, abilities.utf8);
    if (model.too_small()) {
        draw_small(grid, model);
        return grid;
    }
    int rows_below = 0;
    if (model.view() == View::overview)
        draw_overview(grid, model);
    else
        rows_below = draw_page(grid, model, abilities);
    const int height = grid.size().height;
    if (model.is_silent()) grid.dim_rows(1, height - 1);
    draw_header(grid, model, abilities);
    const std::string notice = make_notice(model);
    if (!notice.empty())
        draw_notice(grid, notice);
    else if (model.view() != View::overview && !model.view_trouble.empty())
        draw_notice(grid, model.view_trouble);
    draw_last_row(grid, model, rows_below);
    if (model.question)
        draw_question(grid, *model.question);
    else if (model.menu)
        draw_menu(grid, *model.menu);
    return grid;
}

}  // namespace vnuma::ctl::top
