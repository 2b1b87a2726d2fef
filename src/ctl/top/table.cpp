#include "src/ctl/top/table.hpp"

#include <algorithm>
#include <cstddef>

#include "src/ctl/plain_text.hpp"

namespace vnuma::ctl::top {
namespace {

struct Width {
    int least = 0, natural = 0;
};

Width measure(const Table& table, std::size_t number, bool utf8) {
    const Column& column = table.columns[number];
    Width width{column.least, std::max(column.least, width_of(column.heading, utf8))};
    for (const auto& row : table.rows)
        width.natural = std::max(width.natural, width_of(row[number].text, utf8));
    if (!column.may_cut && !column.stretch) width.least = width.natural;
    return width;
}

int sum_with_gaps(const std::vector<Width>& widths, const std::vector<bool>& present) {
    int sum = -1;
    for (std::size_t i = 0; i < widths.size(); ++i)
        if (present[i]) sum += widths[i].least + 1;
    return sum;
}

// Column to leave out next, or the number of columns if all that are left have to stay.
std::size_t find_least_important(const Table& table, const std::vector<bool>& present) {
    std::size_t found = table.columns.size();
    int rank = 0;
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        if (present[i] && table.columns[i].rank > rank) {
            found = i;
            rank = table.columns[i].rank;
        }
    return found;
}

void draw_bar(Grid& grid, int x, int y, int width, const Field& field) {
    if (width < 3) return;
    const Style frame{.dim = true};
    grid.put_character(x, y, U'[', frame);
    grid.put_character(x + width - 1, y, U']', frame);
    const int inner = width - 2;
    PerMille until = 0;
    int from = 0;
    for (const BarPart& part : field.bar) {
        until = std::clamp<PerMille>(until + std::max<PerMille>(part.share, 0), 0, 1000);
        const int end = static_cast<int>((until * inner + 500) / 1000);
        for (; from < end; ++from)
            grid.put_character(x + 1 + from, y, grid.utf8() ? part.utf8 : part.ascii, part.style);
    }
}

void draw_field(Grid& grid, int x, int y, int width, const Column& column, const Field& field) {
    if (field.is_bar) {
        draw_bar(grid, x, y, width, field);
        return;
    }
    const std::string text = column.may_cut ? cut_text(field.text, width, grid.utf8()) : field.text;
    const int left = column.to_right ? std::max(width - width_of(text, grid.utf8()), 0) : 0;
    grid.put(x + left, y, text, field.style, x + width);
}

}  // namespace

std::vector<int> fit_columns(const Table& table, int width, bool utf8) {
    const std::size_t count = table.columns.size();
    std::vector<Width> measured;
    for (std::size_t i = 0; i < count; ++i)
        measured.push_back(measure(table, i, utf8));
    std::vector<bool> present(count, true);
    while (sum_with_gaps(measured, present) > width) {
        const std::size_t column = find_least_important(table, present);
        if (column == count) break;
        present[column] = false;
    }
    int left = std::max(width - sum_with_gaps(measured, present), 0);
    std::vector<int> widths(count, 0);
    for (std::size_t i = 0; i < count; ++i) {
        if (!present[i]) continue;
        widths[i] = measured[i].least;
        if (table.columns[i].stretch) continue;
        const int more = std::min(left, measured[i].natural - measured[i].least);
        widths[i] += more;
        left -= more;
    }
    const auto stretches = [&](std::size_t i) { return present[i] && table.columns[i].stretch; };
    int stretching = 0;
    for (std::size_t i = 0; i < count; ++i)
        stretching += stretches(i) ? 1 : 0;
    for (std::size_t i = 0; i < count; ++i)
        if (stretches(i)) {
            const int share = left / stretching--;
            widths[i] += share;
            left -= share;
        }
    return widths;
}

int draw_table(Grid& grid, int y, int height, const Table& table) {
    const std::vector<int> widths = fit_columns(table, grid.size().width, grid.utf8());
    const int end = y + height;
    const auto draw_row = [&](const auto& draw) {
        int x = 0;
        for (std::size_t i = 0; i < widths.size(); ++i) {
            if (widths[i] == 0) continue;
            draw(i, x);
            x += widths[i] + 1;
        }
    };
    if (y < end) {
        draw_row([&](std::size_t i, int x) {
            Column heading = table.columns[i];
            heading.may_cut = heading.may_cut || heading.stretch;
            draw_field(grid, x, y, widths[i], heading, {heading.heading, {.bold = true}});
        });
        ++y;
    }
    for (std::size_t row = 0; row < table.rows.size() && y < end; ++row, ++y) {
        draw_row([&](std::size_t i, int x) {
            draw_field(grid, x, y, widths[i], table.columns[i], table.rows[row][i]);
        });
        if (static_cast<int>(row) == table.selected) grid.style_row(y, {.reverse = true});
    }
    return y;
}

}  // namespace vnuma::ctl::top
