#include "src/ctl/table.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "src/ctl/plain_text.hpp"

namespace vnuma::ctl {
namespace {

constexpr int left_out = -1;

// In a pipe, characters count as in a terminal that shows all of them.
int shown_width(const std::string& text, const Terminal& terminal) {
    return width_of(text, terminal.utf8 || !terminal.is_terminal());
}

int total_width(const std::vector<int>& widths) {
    int total = 0, shown = 0;
    for (const int width : widths) {
        if (width == left_out) continue;
        total += width;
        ++shown;
    }
    return total + std::max(0, shown - 1) * column_gap;
}

// The widest column that may be cut any further; -1 if there is none.
int widest_to_cut(const std::vector<Column>& columns, const std::vector<int>& widths) {
    int widest = -1;
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (columns[i].may_cut && widths[i] > least_cut_width &&
            (widest < 0 || widths[i] > widths[static_cast<std::size_t>(widest)]))
            widest = static_cast<int>(i);
    return widest;
}

// The column to leave out next: of those with the highest rank the last one; -1 if there is none.
int next_to_leave_out(const std::vector<Column>& columns, const std::vector<int>& widths) {
    int next = -1;
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (widths[i] != left_out && columns[i].rank > 0 &&
            (next < 0 || columns[i].rank >= columns[static_cast<std::size_t>(next)].rank))
            next = static_cast<int>(i);
    return next;
}

// What the columns would have if those that may be cut were as narrow as they can be.
int least_total(const std::vector<Column>& columns, std::vector<int> widths) {
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (columns[i].may_cut) widths[i] = std::min(widths[i], least_cut_width);
    return total_width(widths);
}

void fit(const std::vector<Column>& columns, std::vector<int>& widths, int width) {
    while (least_total(columns, widths) > width) {
        const int next = next_to_leave_out(columns, widths);
        if (next < 0) break;
        widths[static_cast<std::size_t>(next)] = left_out;
    }
    while (total_width(widths) > width) {
        const int widest = widest_to_cut(columns, widths);
        if (widest < 0) return;
        --widths[static_cast<std::size_t>(widest)];
    }
}

std::string pad(const std::string& text, int by, Align align, const std::string& painted) {
    const std::string blanks(static_cast<std::size_t>(std::max(by, 0)), ' ');
    return align == Align::right && !text.empty() ? blanks + painted : painted + blanks;
}

std::string print_row(const std::vector<Column>& columns, const std::vector<int>& widths,
                      const std::vector<Cell>& row, const Terminal& terminal) {
    std::string line;
    bool is_first = true;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (widths[i] == left_out) continue;
        if (!std::exchange(is_first, false)) line += std::string(column_gap, ' ');
        std::string text = row[i].text;
        if (terminal.is_terminal() && columns[i].may_cut)
            text = cut_text(text, widths[i], terminal.utf8);
        line += pad(text, widths[i] - shown_width(text, terminal), columns[i].align,
                    terminal.paint(text, row[i].colour));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

}  // namespace

void Table::add(std::vector<Cell> row) {
    assert(row.size() == columns_.size());
    rows_.push_back(std::move(row));
}

std::string Table::print(const Terminal& terminal) const {
    std::vector<std::vector<Cell>> rows;
    if (terminal.headers) {
        rows.emplace_back();
        for (const Column& column : columns_)
            rows.back().emplace_back(column.name, Colour::bold);
    }
    rows.insert(rows.end(), rows_.begin(), rows_.end());
    std::vector<int> widths(columns_.size(), 0);
    for (auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) {
            row[i].text = terminal.plain(row[i].text);
            widths[i] = std::max(widths[i], shown_width(row[i].text, terminal));
        }
    if (terminal.is_terminal()) fit(columns_, widths, terminal.width);
    std::string lines;
    for (const auto& row : rows)
        lines += print_row(columns_, widths, row, terminal);
    return lines;
}

}  // namespace vnuma::ctl
