// What the kernel's counts of faults mean. Pure; they are not trusted.
#pragma once

#include <linux/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "guests/tracking/attribution/fault_counter.hpp"
#include "guests/tracking/attribution/fault_maps.h"

namespace vnuma {

// Guest-physical addresses have 52 bits at most, and KVM no pages below 4 KiB.
inline constexpr int address_bits = 52;
inline constexpr int min_bucket_shift = 12, max_bucket_shift = address_bits - 1;
// KVM's own limit of vCPU ids is 4,096 on x86, and a multiple of the vCPUs elsewhere.
inline constexpr std::uint32_t max_kvm_vcpu_id = 65'535;
// More than a thread can cause in a year.
inline constexpr std::uint64_t max_fault_count = std::uint64_t{1} << 48;

// Nothing for an entry of an earlier watch, or that cannot be true.
std::optional<CountedFaults> counted_faults(const fault_key& key, const fault_value& value,
                                            const watched_guest& guest);

using Intervals = std::array<std::uint64_t, INTERVAL_BUCKETS>;

// All CPUs' tallies as one.
struct FaultTally {
    std::uint64_t dropped = 0;
    Intervals intervals{};
};
FaultTally sum_of(std::span<const fault_tallies> by_cpu);
// What was added from one to the other.
FaultTally difference(const FaultTally& before, const FaultTally& after);

// There is no fault time of fewer intervals, and older ones than about so many are forgotten: by
// number and not by time, so that what a storm of faults told is still known when the next is
// considered.
inline constexpr std::uint64_t min_intervals = 100;
inline constexpr std::uint64_t max_intervals = 20'000;

// Together, and all halved until there are no more than max_intervals.
Intervals add_intervals(const Intervals& known, const Intervals& added);

// What follows the shortest tenth of the intervals: a vCPU that faults on page after page does
// nothing else between two.
std::optional<std::chrono::nanoseconds> fault_time(const Intervals& intervals);

}  // namespace vnuma
