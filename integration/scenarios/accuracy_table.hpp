// A table of how soon and how accurately vnumad knows which memory of a guest is hot, and which
// vCPU accesses it.
#pragma once

#include <iosfwd>
#include <string>

namespace vnuma::lab {

// Prints the table in Markdown, row by row. `overhead` is vnumad's budget for tracking, as a share
// of the guest's CPU time. Only rows that contain the text `only`, such as "wide, 30 %", are made.
// Throws std::runtime_error.
void print_accuracy_table(std::ostream& out, const std::string& overhead, const std::string& only);

}  // namespace vnuma::lab
