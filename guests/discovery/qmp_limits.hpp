// How long QEMU's monitors may take to answer, and what they may cost.
#pragma once

#include <chrono>
#include <cstddef>

namespace vnuma::qmp_limits {

using std::chrono::milliseconds;

// Memory for what all monitors together send. The longest answer of a guest with 512 vCPUs takes
// about 1 MiB while it is parsed. contrib/vnumad.service.in counts on this figure.
inline constexpr std::size_t memory = std::size_t{64} << 20;

// Pauses before a monitor in quarantine is asked again.
inline constexpr milliseconds first_quarantine{2'000}, longest_quarantine{30'000};

}  // namespace vnuma::qmp_limits
