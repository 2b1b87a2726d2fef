#include "src/ctl/top/dialog.hpp"

#include <algorithm>

#include "src/ctl/plain_text.hpp"

namespace vnuma::ctl::top {
namespace {

constexpr int max_width = 64;
constexpr int border = 2;  // columns on each side

struct Box {
    int x = 0, y = 0, rows = 0, width = 0;  // of what is inside
};

int inner_width(const Grid& grid) {
    return std::min(grid.size().width - 2 * border, max_width);
}

// An empty box in the middle with room for so many rows, or as many as fit.
Box draw_box(Grid& grid, int rows) {
    const Size screen = grid.size();
    rows = std::clamp(rows, 0, std::max(screen.height - 2, 0));
    const int width = std::max(inner_width(grid), 0);
    const Box box{(screen.width - width) / 2, (screen.height - rows) / 2, rows, width};
    const int left = box.x - border, right = box.x + width + border - 1;
    const int top = box.y - 1, bottom = box.y + rows;
    grid.clear(left, top, {width + 2 * border, rows + 2});
    const bool utf8 = grid.utf8();
    for (int x = left; x <= right; ++x) {
        grid.put_character(x, top, utf8 ? U'─' : U'-');
        grid.put_character(x, bottom, utf8 ? U'─' : U'-');
    }
    for (int y = top; y <= bottom; ++y) {
        grid.put_character(left, y, utf8 ? U'│' : U'|');
        grid.put_character(right, y, utf8 ? U'│' : U'|');
    }
    grid.put_character(left, top, utf8 ? U'┌' : U'+');
    grid.put_character(right, top, utf8 ? U'┐' : U'+');
    grid.put_character(left, bottom, utf8 ? U'└' : U'+');
    grid.put_character(right, bottom, utf8 ? U'┘' : U'+');
    return box;
}

}  // namespace

void draw_question(Grid& grid, const Question& question) {
    const auto lines = wrap_text(question.text, inner_width(grid), grid.utf8());
    const int count = static_cast<int>(lines.size());
    const Box box = draw_box(grid, count + 2);
    const int shown = std::min(count, std::max(box.rows - 1, 0));
    for (int i = 0; i < shown; ++i)
        grid.put(box.x, box.y + i, lines[static_cast<std::size_t>(i)]);
    grid.put(box.x, box.y + box.rows - 1, "y yes   n no", {.bold = true});
}

void draw_menu(Grid& grid, const Menu& menu) {
    const int count = static_cast<int>(menu.choices.size());
    const Box box = draw_box(grid, count + 2);
    grid.put(box.x, box.y, cut_text(menu.title, box.width, grid.utf8()), {.bold = true});
    const int rows = std::max(box.rows - 2, 0);
    const int chosen = static_cast<int>(menu.chosen);
    // The chosen one is kept in the middle where the list is longer than the box.
    const int first = std::clamp(chosen - rows / 2, 0, std::max(count - rows, 0));
    for (int choice = first; choice < std::min(first + rows, count); ++choice) {
        const int y = box.y + 1 + choice - first;
        const bool is_chosen = choice == chosen;
        const std::string& label = menu.choices[static_cast<std::size_t>(choice)].label;
        grid.put(box.x, y, is_chosen ? "> " : "  ");
        grid.put(box.x + 2, y, cut_text(label, box.width - 2, grid.utf8()), {.reverse = is_chosen});
    }
    grid.put(box.x, box.y + box.rows - 1, "Enter choose   Esc back", {.bold = true});
}

}  // namespace vnuma::ctl::top
