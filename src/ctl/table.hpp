// Tables that fit the terminal. Pure.
#pragma once

#include <string>
#include <vector>

#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

inline constexpr int column_gap = 2;
// A column that may be cut keeps this many columns of the terminal, unless its texts are shorter.
inline constexpr int least_cut_width = 6;

enum class Align { left, right };

struct Column {
    std::string name;
    Align align = Align::left;
    // Names and sentences are cut where the table is too wide; numbers never are.
    bool may_cut = false;
    // Where cutting does not suffice, columns with the highest rank are left out first; those of
    // rank 0 never are.
    int rank = 0;
};

struct Cell {
    std::string text;
    Colour colour = Colour::none;

    // Most cells are plain texts.
    Cell(std::string its_text, Colour its_colour = Colour::none)
        : text(std::move(its_text)), colour(its_colour) {}
    Cell(const char* its_text) : text(its_text) {}
};

class Table {
  public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // A row has a cell for each column.
    void add(std::vector<Cell> row);
    bool empty() const { return rows_.empty(); }

    // Lines with their ends. Where the output is no terminal, nothing is cut or left out. Texts are
    // made plain (Terminal::plain).
    std::string print(const Terminal& terminal) const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace vnuma::ctl
