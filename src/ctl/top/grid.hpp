// A picture of the screen: a grid of characters with styles. Values only; nothing here knows of a
// terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma::ctl::top {

struct Size {
    int width = 80, height = 24;

    friend bool operator==(const Size&, const Size&) = default;
};

// What the terminal and its locale can show.
struct Abilities {
    bool utf8 = true;
    bool colour = true;
    int utc_offset_s = 0;  // of local time
};

enum class Colour : std::uint8_t { none, red, green, yellow, blue, magenta, cyan };
inline constexpr int colour_count = 7;

struct Style {
    Colour colour = Colour::none;
    bool bold = false, dim = false, reverse = false;

    friend bool operator==(const Style&, const Style&) = default;
};

struct Cell {
    // 0: the right half of the wide character in the cell before.
    char32_t character = U' ';
    Style style{};

    friend bool operator==(const Cell&, const Cell&) = default;
};

// Writing outside of the grid does nothing. All characters can be shown on the terminal, whatever
// the text that was written had in it.
class Grid {
  public:
    Grid(Size size, bool utf8);

    Size size() const { return size_; }
    bool utf8() const { return utf8_; }
    const Cell& at(int x, int y) const { return cells_[index(x, y)]; }
    // Writes one line of UTF-8 from column `x`, up to column `end` (exclusive; -1: the right edge).
    // Returns the column after its last character.
    int put(int x, int y, std::string_view text, Style style = {}, int end = -1);
    void put_character(int x, int y, char32_t character, Style style = {});
    // Gives a whole row this style, also where nothing is written.
    void style_row(int y, Style style);
    void dim_rows(int first, int end);
    void clear(int x, int y, Size area);
    // Appends empty rows, up to `height` of all.
    void grow(int height);
    // Copies rows of a grid of the same width, as far as there are any.
    void copy_rows(const Grid& from, int from_row, int to_row, int rows);
    // The row as UTF-8, in exactly as many columns as the grid has.
    std::string row_text(int y) const;
    bool same_row(const Grid& other, int y) const;

  private:
    std::size_t index(int x, int y) const {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(size_.width) +
               static_cast<std::size_t>(x);
    }
    bool inside(int x, int y) const {
        return x >= 0 && y >= 0 && x < size_.width && y < size_.height;
    }
    void set(int x, int y, const Cell& cell);

    Size size_;
    bool utf8_;
    std::vector<Cell> cells_;
};

}  // namespace vnuma::ctl::top
