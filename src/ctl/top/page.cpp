#include "src/ctl/top/page.hpp"

#include <algorithm>

#include "src/ctl/plain_text.hpp"
#include "src/ctl/top/pages.hpp"

namespace vnuma::ctl::top {

int Page::add_rows(int count) {
    const int first = grid_.size().height;
    grid_.grow(std::min(first + count, max_page_rows));
    return first;
}

void Page::heading(std::string_view text) {
    if (grid_.size().height > 0) add_rows(1);
    sentence(text, "", {.bold = true});
}

void Page::sentence(std::string_view text, std::string_view mark, Style style) {
    const int indent = width_of(mark, grid_.utf8());
    const auto lines = wrap_text(text, grid_.size().width - indent, grid_.utf8());
    int y = add_rows(static_cast<int>(std::min<std::size_t>(lines.size(), max_page_rows)));
    grid_.put(0, y, mark);
    for (const std::string& line : lines)
        grid_.put(indent, y++, line, style);
}

void Page::sentences(const std::vector<std::string>& texts, std::string_view mark, Style style) {
    for (const std::string& text : texts)
        sentence(text, mark, style);
}

void Page::table(const Table& table) {
    const int rows = static_cast<int>(std::min<std::size_t>(table.rows.size(), max_page_rows)) + 1;
    draw_table(grid_, add_rows(rows), rows, table);
}

}  // namespace vnuma::ctl::top
