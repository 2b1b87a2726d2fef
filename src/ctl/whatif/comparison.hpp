// Two imagined hosts beside each other, as text and as JSON. Pure.
#pragma once

#include <string>

#include "src/ctl/whatif/imagined_host.hpp"
#include "src/json/shapes.hpp"

namespace vnuma::ctl {

struct Comparison {
    std::string changes;  // Changes::to_text()
    ImaginedResult recorded, changed;
};

// Cells whose homes at the end differ, counted once each.
std::size_t different_homes(const Comparison& comparison);

// A table with a newline at the end of each line. Names of guests have no control characters.
std::string to_table(const Comparison& comparison);

// docs/vnumactl.md has the fields.
JsonOut to_json(const Comparison& comparison);

}  // namespace vnuma::ctl
