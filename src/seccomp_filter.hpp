// The system calls that vnumad may make once it has started. The kernel refuses all others with
// EPERM, and names them in its log (docs/security.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/config/config.hpp"

namespace vnuma {

// What an argument must be: its bits in `mask` have this value.
struct CallArgument {
    unsigned index = 0;
    std::uint64_t value = 0;
    std::uint64_t mask = ~std::uint64_t{0};
};

// A call is allowed if all of these arguments fit one of its entries.
struct AllowedCall {
    int number = 0;  // SYS_openat ...
    std::vector<CallArgument> arguments{};
};

// What this configuration needs. `own_pid`: vnumad may send signals to itself. Pure.
std::vector<AllowedCall> allowed_calls(const Config& config, std::uint32_t own_pid);

// "openat"
std::string call_name(int number);

// Refuses all other calls to all threads of this process, for good. Throws std::runtime_error, also
// where the kernel has no seccomp.
void refuse_other_calls(const std::vector<AllowedCall>& allowed);

}  // namespace vnuma
