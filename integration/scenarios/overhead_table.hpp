// A table of what access tracking costs a guest, vnumad and the kernel.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

namespace vnuma::lab {

struct PhaseSettings {
    int count = 6;  // of phases with tracking, and of phases without
    std::chrono::seconds length{10};
    std::string guest{};  // "thin" or "wide"; empty for both
};

// Prints the table in Markdown. `overhead` is vnumad's budget for tracking, as a share of the
// guest's CPU time. Throws std::runtime_error.
void print_overhead_table(std::ostream& out, const std::string& overhead,
                          const PhaseSettings& phases);

}  // namespace vnuma::lab
