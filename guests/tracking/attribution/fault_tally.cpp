#include "guests/tracking/attribution/fault_tally.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace vnuma {
namespace {

constexpr std::uint64_t part_of_shortest = 10;

// Of what the kernel tells, so that sums of all buckets and CPUs stay far from 64 bits.
std::uint64_t believable(std::uint64_t count) {
    return std::min(count, max_fault_count);
}

std::uint64_t grown(std::uint64_t before, std::uint64_t after) {
    return after > before ? after - before : 0;
}

std::uint64_t total(const Intervals& intervals) {
    return std::accumulate(intervals.begin(), intervals.end(), std::uint64_t{0});
}

// The shortest interval of a bucket; see interval_bucket().
std::uint64_t bucket_start(std::size_t bucket) {
    if (bucket < 4) return bucket;
    return (4 + bucket % 4) << (bucket / 4 - 1);
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
        sum.dropped += believable(tally.dropped);
        for (std::size_t i = 0; i < INTERVAL_BUCKETS; ++i)
            sum.intervals[i] += believable(tally.intervals[i]);
    }
    return sum;
}

FaultTally difference(const FaultTally& before, const FaultTally& after) {
    FaultTally added;
    added.dropped = grown(before.dropped, after.dropped);
    for (std::size_t i = 0; i < INTERVAL_BUCKETS; ++i)
        added.intervals[i] = believable(grown(before.intervals[i], after.intervals[i]));
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
        if (shorter > all / part_of_shortest)
            return std::chrono::nanoseconds((bucket_start(i) + bucket_start(i + 1)) / 2);
    }
    return std::nullopt;
}

}  // namespace vnuma
