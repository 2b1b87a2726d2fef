// Turns the entries of the BPF maps into counts of faults and the time of one fault. Entries that
// cannot be true are ignored. Pure.
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

// Guest-physical addresses have 52 bits at most, and KVM's smallest pages 4 KiB.
inline constexpr int address_bits = 52;
inline constexpr int min_bucket_shift = 12, max_bucket_shift = address_bits - 1;
// Above KVM's own limit of vCPU ids, which is 4,096 on x86.
inline constexpr std::uint32_t max_kvm_vcpu_id = 65'535;
// More than a thread can cause in a year.
inline constexpr std::uint64_t max_fault_count = std::uint64_t{1} << 48;

// Returns none for an entry of an earlier watch, or one that cannot be true.
std::optional<CountedFaults> counted_faults(const fault_key& key, const fault_value& value,
                                            const watched_guest& guest);

// Histogram of the times between two faults of a vCPU, by interval_bin().
using Intervals = std::array<std::uint64_t, INTERVAL_BINS>;

// The sum over all CPUs since the program was loaded.
struct FaultTally {
    std::uint64_t dropped = 0;
    Intervals intervals{};
};
FaultTally sum_of(std::span<const fault_tallies> by_cpu);
// What was added between the two.
FaultTally difference(const FaultTally& before, const FaultTally& after);

// Intervals needed for a fault time.
inline constexpr std::uint64_t min_intervals = 100;
// Intervals remembered. Old ones fade by number and not by time, so that the fault time of a round
// is still known when the next round is considered.
inline constexpr std::uint64_t max_intervals = 20'000;

// The sum of both, halved until it has at most max_intervals.
Intervals add_intervals(const Intervals& known, const Intervals& added);

// The CPU time of one fault: the 10th percentile of the intervals. A vCPU that faults on page after
// page does nothing else in between, and longer intervals contain other work.
std::optional<std::chrono::nanoseconds> fault_time(const Intervals& intervals);

}  // namespace vnuma
