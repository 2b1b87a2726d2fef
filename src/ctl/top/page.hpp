// Builds a page from top to bottom.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/ctl/top/table.hpp"

namespace vnuma::ctl::top {

class Page {
  public:
    Page(int width, bool utf8) : grid_({width, 0}, utf8) {}

    void heading(std::string_view text);  // after an empty row, unless it is the first
    // Wrapped to the width. `mark` stands before the first row.
    void sentence(std::string_view text, std::string_view mark = "", Style style = {});
    void sentences(const std::vector<std::string>& texts, std::string_view mark = "",
                   Style style = {});
    void table(const Table& table);
    Grid finish() { return std::move(grid_); }

  private:
    int add_rows(int count);  // the first of them

    Grid grid_;
};

}  // namespace vnuma::ctl::top
