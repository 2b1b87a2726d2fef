// The BPF programs that count page faults of guests.
#pragma once

#include <string>

namespace vnuma::lab {

// What bpftool says of all of them, whoever loaded them; empty when there are none.
std::string fault_programs();

}  // namespace vnuma::lab
