// How long a guest's vCPUs have run, and waited for a CPU or for a page.
#pragma once

#include <optional>

#include "guests/model/sample.hpp"
#include "src/act/kernel_calls.hpp"
#include "src/act/latency_guard.hpp"

namespace vnuma {

// vCPUs of a guest that are watched: reading more would cost more than they tell.
inline constexpr std::size_t max_watched_vcpus = 64;

// As the look at `time` has read them; looks do not read how long vCPUs wait for pages. Pure.
LatencyGuard::Reading sum_times(const GuestSample& guest, LatencyGuard::Time time);

// Read now; `time` is the time before. Nothing if one of them has ended. Blocks.
std::optional<LatencyGuard::Reading> read_times(Kernel& kernel, const GuestSample& guest,
                                                LatencyGuard::Time time);

}  // namespace vnuma
