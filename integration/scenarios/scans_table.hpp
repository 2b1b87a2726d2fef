// A table of how much of a guest's work a single scan takes, and when the guest is held up.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

namespace vnuma::lab {

// Prints the table in Markdown, after vnumad has scanned the guest repeatedly for `length`. `guest`
// is "thin" or "wide"; empty for both, one after the other. `overhead` is vnumad's budget for
// tracking, as a share of the guest's CPU time. Throws std::runtime_error.
void print_scans_table(std::ostream& out, const std::string& overhead, std::chrono::seconds length,
                       const std::string& guest);

}  // namespace vnuma::lab
