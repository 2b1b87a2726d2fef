// What a single look takes of a guest's work, and when the guest is held up.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

namespace vnuma::lab {

// Prints a table in Markdown, after a vnumad has looked again and again for so long at the guest
// thin or wide; at both, one after the other, when empty. `overhead` is vnumad's budget. Throws
// std::runtime_error.
void print_scans_table(std::ostream& out, const std::string& overhead, std::chrono::seconds length,
                       const std::string& guest);

}  // namespace vnuma::lab
