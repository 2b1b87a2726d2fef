// Two imagined hosts beside each other, as text and as JSON. Pure.
#pragma once

#include <string>

#include "src/ctl/terminal.hpp"
#include "src/ctl/whatif/imagined_host.hpp"
#include "src/json/shapes.hpp"

namespace vnuma::ctl {

struct Comparison {
    std::string changes;  // Changes::to_text()
    ImaginedResult recorded, changed;
};

// Cells whose homes at the end differ, counted once each.
std::size_t different_homes(const Comparison& comparison);

std::string format_comparison(const Comparison& comparison, const Terminal& terminal);

// docs/vnumactl.md has the fields.
JsonOut to_json(const Comparison& comparison);

}  // namespace vnuma::ctl
