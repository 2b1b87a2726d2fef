// Recordings planned again. Needs nothing of the host.
#pragma once

#include <iosfwd>
#include <stdexcept>
#include <string>

#include "src/record/record.hpp"

namespace vnuma {

struct Replayed {
    std::size_t plans = 0;
    std::size_t different = 0;  // from what was recorded
};

// "FILE:LINE: PATH: what is wrong".
struct ReplayError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A line of `out` for each plan that comes to something else, and a last one that counts. Throws
// ReplayError at the first line that cannot be read.
Replayed replay(const std::string& file, std::ostream& out);

// What is planned otherwise now, of several cells the first; empty when nothing is.
std::string find_difference(const Record& recorded, const Plan& now);

}  // namespace vnuma
