// The BPF programs that count page faults of guests.
#pragma once

#include <string>

namespace vnuma::lab {

// The output of bpftool for all of them, including those of other programs; empty if there are
// none.
std::string fault_programs();

}  // namespace vnuma::lab
