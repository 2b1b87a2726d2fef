// Plans the records of a file again and compares. Needs nothing of the host.
#pragma once

#include <iosfwd>
#include <stdexcept>
#include <string>

#include "src/record/record.hpp"

namespace vnuma {

struct Replayed {
    std::size_t plans = 0;
    std::size_t different = 0;  // plans that differ from the recorded ones
};

// "FILE:LINE: PATH: PROBLEM".
struct ReplayError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Writes a line to `out` for each plan that differs, and a last one with the counts. Throws
// ReplayError at the first line that cannot be read.
Replayed replay(const std::string& file, std::ostream& out);

// The first difference between the recorded plan and the plan now, and the number of further cells
// that differ; empty if the plans are equal.
std::string find_difference(const Record& recorded, const Plan& now);

}  // namespace vnuma
