#include "src/ctl/top/grid.hpp"

#include <algorithm>

#include "src/ctl/plain_text.hpp"

namespace vnuma::ctl::top {

Grid::Grid(Size size, bool utf8)
    : size_{std::max(size.width, 0), std::max(size.height, 0)}, utf8_(utf8) {
    cells_.resize(static_cast<std::size_t>(size_.width) * static_cast<std::size_t>(size_.height));
}

// A wide character of which one half is overwritten is blanked, so that no half is left.
void Grid::set(int x, int y, const Cell& cell) {
    if (!inside(x, y)) return;
    Cell& here = cells_[index(x, y)];
    if (here.character == 0 && cell.character != 0 && x > 0)
        cells_[index(x - 1, y)].character = U' ';
    if (x + 1 < size_.width && cells_[index(x + 1, y)].character == 0 && cell.character != 0)
        cells_[index(x + 1, y)].character = U' ';
    here = cell;
}

void Grid::put_character(int x, int y, char32_t character, Style style) {
    std::string text;
    append_utf8(text, character);
    put(x, y, text, style);
}

int Grid::put(int x, int y, std::string_view text, Style style, int end) {
    const int limit = end < 0 ? size_.width : std::min(end, size_.width);
    if (y < 0 || y >= size_.height) return x;
    while (!text.empty()) {
        const char32_t character = take_character(text, utf8_);
        const int width = width_of(character);
        if (x + width > limit) break;
        if (x >= 0) {
            set(x, y, {character, style});
            if (width == 2) {
                // The cell may hold the left half of a wide character.
                set(x + 1, y, {U' ', style});
                cells_[index(x + 1, y)].character = 0;
            }
        }
        x += width;
    }
    return x;
}

void Grid::style_row(int y, Style style) {
    if (y < 0 || y >= size_.height) return;
    for (int x = 0; x < size_.width; ++x)
        cells_[index(x, y)].style = style;
}

void Grid::dim_rows(int first, int end) {
    for (int y = std::max(first, 0); y < std::min(end, size_.height); ++y)
        for (int x = 0; x < size_.width; ++x) {
            Style& style = cells_[index(x, y)].style;
            style = {Colour::none, false, true, style.reverse};
        }
}

void Grid::clear(int x, int y, Size area) {
    for (int row = y; row < y + area.height; ++row)
        for (int column = x; column < x + area.width; ++column)
            set(column, row, {});
}

void Grid::grow(int height) {
    if (height <= size_.height) return;
    size_.height = height;
    cells_.resize(static_cast<std::size_t>(size_.width) * static_cast<std::size_t>(height));
}

void Grid::copy_rows(const Grid& from, int from_row, int to_row, int rows) {
    if (from.size_.width != size_.width || size_.width == 0) return;
    for (int i = 0; i < rows; ++i) {
        if (!inside(0, to_row + i) || !from.inside(0, from_row + i)) continue;
        const Cell* first = &from.cells_[from.index(0, from_row + i)];
        std::copy(first, first + size_.width, &cells_[index(0, to_row + i)]);
    }
}

std::string Grid::row_text(int y) const {
    std::string text;
    for (int x = 0; x < size_.width; ++x)
        if (const char32_t character = at(x, y).character) append_utf8(text, character);
    return text;
}

bool Grid::same_row(const Grid& other, int y) const {
    if (other.size_ != size_) return false;
    const auto first = cells_.begin() + static_cast<std::ptrdiff_t>(index(0, y));
    const auto theirs = other.cells_.begin() + static_cast<std::ptrdiff_t>(index(0, y));
    return std::equal(first, first + size_.width, theirs);
}

}  // namespace vnuma::ctl::top
