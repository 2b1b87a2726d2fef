// Plans the records of a file again and compares. Needs nothing of the host.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "src/record/record.hpp"

namespace vnuma {

struct Replayed {
    std::size_t plans = 0;
    std::size_t different = 0;  // plans that differ from the recorded ones
};

// Is called for each plan that differs, with the time of its snapshot and the difference.
using OnDifference = std::function<void(Millis now, const std::string& difference)>;

// Both throw RecordingError (record_reader.hpp) at the first line that cannot be read.
Replayed replay(const std::string& file, const OnDifference& tell);
// Writes a line to `out` for each plan that differs, and a last one with the counts.
Replayed replay(const std::string& file, std::ostream& out);

// The first difference between the recorded plan and the plan now, and the number of further cells
// that differ; empty if the plans are equal.
std::string find_difference(const Record& recorded, const Plan& now);

}  // namespace vnuma
