// What access tracking costs a guest, vnumad and the kernel.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

namespace vnuma::lab {

struct PhaseSettings {
    int of_each_way = 6;
    std::chrono::seconds length{10};
    std::string guest{};  // thin or wide; both when empty
};

// Prints a table in Markdown. `overhead` is vnumad's budget for tracking, as a share of the guest's
// CPU time. Throws std::runtime_error.
void print_overhead_table(std::ostream& out, const std::string& overhead,
                          const PhaseSettings& wanted);

}  // namespace vnuma::lab
