#include "guests/tracking/attribution/fault_map_entries.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace vnuma {
namespace {

constexpr std::uint64_t percentile_divisor = 10;

// Sums over all bins and CPUs then stay far inside 64 bits.
std::uint64_t limited(std::uint64_t count) {
    return std::min(count, max_fault_count);
}

std::uint64_t growth(std::uint64_t before, std::uint64_t after) {
    return after > before ? after - before : 0;
}

std::uint64_t total(const Intervals& intervals) {
    return std::accumulate(intervals.begin(), intervals.end(), std::uint64_t{0});
}

// The shortest interval of a bin, in ns: the inverse of interval_bin().
std::uint64_t bin_start(std::size_t bin) {
    if (bin < 4) return bin;
    return (4 + bin % 4) << (bin / 4 - 1);
}

}  // namespace

std::optional<CountedFaults> counted_faults(const fault_key& key, const fault_value& value,
                                            const watched_guest& guest) {
    const std::uint64_t bucket = key.bucket_and_write >> 1;
    if (value.watch != guest.watch || value.vcpu > max_kvm_vcpu_id) return std::nullopt;
    if (value.count == 0 || value.count > max_fault_count) return std::nullopt;
    if (bucket >= std::uint64_t{1} << (address_bits - static_cast<int>(guest.shift)))
        return std::nullopt;
    return CountedFaults{.process = static_cast<pid_t>(key.process),
                         .thread = static_cast<pid_t>(key.thread),
                         .vcpu = static_cast<int>(value.vcpu),
                         .bucket = bucket,
                         .write = (key.bucket_and_write & 1) != 0,
                         .count = value.count};
}

FaultTally sum_of(std::span<const fault_tallies> by_cpu) {
    FaultTally sum;
    for (const fault_tallies& tally : by_cpu) {
        sum.dropped += limited(tally.dropped);
        for (std::size_t i = 0; i < INTERVAL_BINS; ++i)
            sum.intervals[i] += limited(tally.intervals[i]);
    }
    return sum;
}

FaultTally difference(const FaultTally& before, const FaultTally& after) {
    FaultTally added;
    added.dropped = growth(before.dropped, after.dropped);
    for (std::size_t i = 0; i < INTERVAL_BINS; ++i)
        added.intervals[i] = limited(growth(before.intervals[i], after.intervals[i]));
    return added;
}

Intervals add_intervals(const Intervals& known, const Intervals& added) {
    Intervals sum;
    for (std::size_t i = 0; i < sum.size(); ++i)
        sum[i] = known[i] + added[i];
    while (total(sum) > max_intervals)
        for (std::uint64_t& count : sum)
            count /= 2;
    return sum;
}

std::optional<std::chrono::nanoseconds> fault_time(const Intervals& intervals) {
    const std::uint64_t all = total(intervals);
    if (all < min_intervals) return std::nullopt;
    std::uint64_t shorter = 0;
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        shorter += intervals[i];
        if (shorter > all / percentile_divisor)
            return std::chrono::nanoseconds((bin_start(i) + bin_start(i + 1)) / 2);
    }
    return std::nullopt;
}

}  // namespace vnuma
