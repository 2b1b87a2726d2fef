// How soon and how well vnumad knows which memory of a guest is hot, and who touches it.
#pragma once

#include <iosfwd>
#include <string>

namespace vnuma::lab {

// Prints a table in Markdown, row by row. `overhead` is vnumad's budget for tracking, as a share of
// the guest's CPU time; `only` is in the rows that are wanted ("wide, 30 %"), empty for all. Throws
// std::runtime_error.
void print_accuracy_table(std::ostream& out, const std::string& overhead, const std::string& only);

}  // namespace vnuma::lab
