// What vnumad has in the kernel while it tracks, and what is left when it is killed.
#pragma once

#include <iosfwd>

namespace vnuma::lab {

// Prints bpftool's list of programs and DAMON's sysfs tree before vnumad runs, while it does, after
// kill -9, and after it has been started again and stopped. Throws std::runtime_error.
void print_tracking_state(std::ostream& out);

}  // namespace vnuma::lab
