#include "src/ctl/plot/series.hpp"

#include <algorithm>
#include <set>

namespace vnuma::ctl::plot {
namespace {

Series picked(const Series& series, const std::set<std::size_t>& rows) {
    Series result;
    result.columns.resize(series.columns.size());
    for (const std::size_t row : rows) {
        result.times.push_back(series.times[row]);
        for (std::size_t c = 0; c < series.columns.size(); ++c)
            result.columns[c].push_back(series.columns[c][row]);
    }
    return result;
}

// Adds the rows of the smallest and the largest value from `begin` to before `end`, and of the
// first gap.
void pick_extremes(const Column& column, std::size_t begin, std::size_t end,
                   std::set<std::size_t>& rows) {
    std::optional<std::size_t> least, most;
    for (std::size_t row = begin; row < end; ++row) {
        if (!column[row]) continue;
        if (!least || *column[row] < *column[*least]) least = row;
        if (!most || *column[row] > *column[*most]) most = row;
    }
    if (!least) return;
    rows.insert(*least);
    rows.insert(*most);
}

bool is_gap(const Series& series, std::size_t row) {
    return std::none_of(series.columns.begin(), series.columns.end(),
                        [&](const Column& column) { return column[row].has_value(); });
}

}  // namespace

void add_row(Series& series, Millis time, const Column& values) {
    const std::size_t rows = series.times.size();
    while (series.columns.size() < values.size())
        series.columns.emplace_back(rows);
    for (std::size_t c = 0; c < series.columns.size(); ++c)
        series.columns[c].push_back(c < values.size() ? values[c] : std::nullopt);
    series.times.push_back(time);
}

void add_gap(Series& series, Millis time) {
    add_row(series, time, {});
}

Series since(const Series& series, Millis begin) {
    const auto first = std::lower_bound(series.times.begin(), series.times.end(), begin);
    const auto skipped = first - series.times.begin();
    Series result{{first, series.times.end()}, {}};
    for (const Column& column : series.columns)
        result.columns.emplace_back(column.begin() + skipped, column.end());
    return result;
}

Series downsampled(const Series& series, std::size_t most) {
    const std::size_t rows = series.times.size();
    if (rows <= most) return series;
    // In each stretch, two rows for each column and one for a gap.
    const std::size_t stretches = std::max<std::size_t>(most / (2 * series.columns.size() + 1), 1);
    std::set<std::size_t> kept{0, rows - 1};
    for (std::size_t s = 0; s < stretches; ++s) {
        const std::size_t begin = rows * s / stretches, end = rows * (s + 1) / stretches;
        for (const Column& column : series.columns)
            pick_extremes(column, begin, end, kept);
        for (std::size_t row = begin; row < end; ++row)
            if (is_gap(series, row)) {
                kept.insert(row);
                break;
            }
    }
    return picked(series, kept);
}

}  // namespace vnuma::ctl::plot
