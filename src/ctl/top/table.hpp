// A table in a grid: columns that fit its width, bars, a selected row. Those that are printed
// (src/ctl/table.hpp) are as wide as their texts; columns here have a least width, so that they
// stay where they are while numbers change. Pure.
#pragma once

#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"
#include "src/ctl/top/grid.hpp"

namespace vnuma::ctl::top {

struct Column {
    const char* heading = "";
    // Columns with the highest rank are left out first; those of rank 0 always stay.
    int rank = 0;
    int least = 1;         // width below which it is left out
    bool to_right = true;  // numbers
    bool may_cut = false;  // names and sentences; others are at least as wide as their texts
    bool stretch = false;  // takes what is left of the width
};

// A part of a bar: its length as a share of the bar, and what it consists of.
struct BarPart {
    PerMille share = 0;
    char32_t ascii = U'#', utf8 = U'█';
    Style style{};
};

struct Field {
    std::string text;
    Style style{};
    std::vector<BarPart> bar{};  // a bar instead of the text, if there are any parts
    bool is_bar = false;
};

struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<Field>> rows;  // a field for each column
    int selected = -1;                     // row; -1: none
};

// Widths of the columns of a table that is `width` wide; 0: left out. One column is between two.
std::vector<int> fit_columns(const Table& table, int width, bool utf8);

// Draws headings and rows, `height` in all. Returns the row after the last one.
int draw_table(Grid& grid, int y, int height, const Table& table);

}  // namespace vnuma::ctl::top
