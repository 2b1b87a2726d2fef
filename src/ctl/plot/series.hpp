// Values over time, with a bounded number of points. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "policy/model/types.hpp"

namespace vnuma::ctl::plot {

// No screen shows more points side by side; a day of minutes fits.
inline constexpr std::size_t max_points = 1440;

using Column = std::vector<std::optional<std::int64_t>>;

struct Series {
    std::vector<Millis> times;    // ascending
    std::vector<Column> columns;  // each has a value, or none, for each time

    friend bool operator==(const Series&, const Series&) = default;
};

// Appends a row. Columns that are new have had no value before; those that `values` lacks have none
// now.
void add_row(Series& series, Millis time, const Column& values);

// Appends a row without values, so that no line is drawn over a time that nothing is known of.
void add_gap(Series& series, Millis time);

Series since(const Series& series, Millis begin);

// About `most` rows at most: in each of equal stretches of time, those where a column has its
// smallest and its largest value. Gaps, the first and the last row stay, as far as `most` allows.
Series downsampled(const Series& series, std::size_t most = max_points);

}  // namespace vnuma::ctl::plot
