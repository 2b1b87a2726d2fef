#include "src/ctl/top/navigation.hpp"

#include <algorithm>

#include "src/ctl/top/layout.hpp"
#include "src/ctl/top/pages.hpp"

namespace vnuma::ctl::top {
namespace {

// How far a key goes; 0 for those that go nowhere. Home and End go further than any list is long.
constexpr int far = 1 << 20;

int distance_of(Key key, int page) {
    switch (key) {
        case Key::up:
            return -1;
        case Key::down:
            return 1;
        case Key::page_up:
            return -page;
        case Key::page_down:
            return page;
        case Key::home:
            return -far;
        case Key::end:
            return far;
        case Key::character:
        case Key::enter:
        case Key::escape:
        case Key::backspace:
        case Key::tab:
            break;
    }
    return 0;
}

int add_within(int value, int distance, int last) {
    return std::clamp(std::min(value, last) + distance, 0, std::max(last, 0));
}

void keep_in_view(Model& model, std::size_t row) {
    const auto rows = static_cast<std::size_t>(lay_out_overview(model).guest_rows);
    if (row < model.first_row) model.first_row = row;
    if (row >= model.first_row + rows) model.first_row = row + 1 - rows;
    // No empty rows at the end while there are guests above.
    const std::size_t last_first = model.shown.size() > rows ? model.shown.size() - rows : 0;
    model.first_row = std::min(model.first_row, last_first);
}

}  // namespace

std::size_t find_selected_row(const Model& model) {
    for (std::size_t row = 0; row < model.shown.size(); ++row)
        if (model.guests[model.shown[row]].uuid == model.selected) return row;
    return 0;
}

void select_row(Model& model, std::size_t row) {
    if (model.shown.empty()) {
        model.selected.clear();
        model.first_row = 0;
        return;
    }
    row = std::min(row, model.shown.size() - 1);
    model.selected = model.guests[model.shown[row]].uuid;
    keep_in_view(model, row);
}

void list_again(Model& model, std::size_t former_row) {
    model.shown = order_guests(model.guests, model.filter, model.order);
    const std::size_t row = find_selected_row(model);
    const bool is_shown =
        row < model.shown.size() && model.guests[model.shown[row]].uuid == model.selected;
    select_row(model, is_shown ? row : former_row);
}

bool navigate(Model& model, Key key) {
    if (model.view() == View::overview) {
        const int distance = distance_of(key, lay_out_overview(model).guest_rows);
        if (distance == 0) return false;
        const int last = static_cast<int>(model.shown.size()) - 1;
        const int row = static_cast<int>(find_selected_row(model));
        select_row(model, static_cast<std::size_t>(add_within(row, distance, last)));
        return true;
    }
    const int rows = lay_out_page(model).rows;
    const int distance = distance_of(key, rows);
    if (distance == 0) return false;
    if (model.view() == View::heat_map) return true;  // it always fits
    model.scroll = add_within(model.scroll, distance, page_height(model) - rows);
    return true;
}

}  // namespace vnuma::ctl::top
