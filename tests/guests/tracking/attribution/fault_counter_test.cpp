#include "guests/tracking/attribution/fault_counter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "guests/process/process.hpp"
#include "guests/tracking/attribution/fault_map_entries.hpp"

namespace vnuma {
namespace {

using std::chrono::nanoseconds;
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
constexpr watched_guest guest{26, 3};

Intervals of(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> counts_by_ns) {
    Intervals intervals{};
    for (const auto& [ns, count] : counts_by_ns)
        intervals.at(interval_bin(ns)) += count;
    return intervals;
}

TEST(IntervalBin, IsOneNanosecondWideUpToEightNanoseconds) {
    for (std::uint64_t ns = 0; ns < 8; ++ns)
        EXPECT_EQ(interval_bin(ns), ns);
    EXPECT_EQ(interval_bin(9), interval_bin(8));
    EXPECT_EQ(interval_bin(10), interval_bin(9) + 1);
    EXPECT_EQ(interval_bin(1023) + 1, interval_bin(1024));
}

TEST(IntervalBin, GrowsByOneUpToTheLast) {
    std::uint32_t last = 0;
    for (std::uint64_t ns = 0; ns < std::uint64_t{1} << INTERVAL_OCTAVES; ++ns) {
        const std::uint32_t bin = interval_bin(ns);
        ASSERT_TRUE(bin == last || bin == last + 1) << ns;
        last = bin;
    }
    EXPECT_EQ(last, INTERVAL_BINS - 1);
}

TEST(IntervalBin, IsNoneForAPause) {
    for (const std::uint64_t ns :
         {std::uint64_t{1} << INTERVAL_OCTAVES, std::uint64_t{1} << 32, most})
        EXPECT_EQ(interval_bin(ns), INTERVAL_BINS) << ns;
}

TEST(FaultTime, IsUnknownWithoutEnoughIntervals) {
    EXPECT_EQ(fault_time(Intervals{}), std::nullopt);
    EXPECT_EQ(fault_time(of({{2000, min_intervals - 1}})), std::nullopt);
    EXPECT_NE(fault_time(of({{2000, min_intervals}})), std::nullopt);
}

TEST(FaultTime, IsTheTenthPercentileOfTheIntervals) {
    const auto time = fault_time(of({{500, 20}, {2000, 200}, {60'000, 500}, {9'000'000, 280}}));
    ASSERT_TRUE(time);
    EXPECT_GE(*time, nanoseconds(1792));
    EXPECT_LE(*time, nanoseconds(2048));
}

TEST(FaultTime, OfTheShortestAndTheLongestIntervalIsWithinTheirBin) {
    EXPECT_EQ(fault_time(of({{0, 1000}})), nanoseconds(0));
    const std::uint64_t longest = (std::uint64_t{1} << INTERVAL_OCTAVES) - 1;
    const auto time = fault_time(of({{longest, 1000}}));
    ASSERT_TRUE(time);
    EXPECT_GT(time->count(), static_cast<std::int64_t>(longest / 8 * 7));
    EXPECT_LE(time->count(), static_cast<std::int64_t>(longest));
}

TEST(AddIntervals, KeepsAllIntervalsWhileTheyAreFew) {
    EXPECT_EQ(add_intervals(of({{10, 7}}), of({{10, 1}, {99, 3}})), of({{10, 8}, {99, 3}}));
}

TEST(AddIntervals, ForgetsOldIntervalsWhenThereAreManyNewOnes) {
    Intervals known = of({{1000, max_intervals}});
    for (int i = 0; i < 8; ++i)
        known = add_intervals(known, of({{8000, max_intervals}}));
    const auto time = fault_time(known);
    ASSERT_TRUE(time);
    EXPECT_GT(*time, nanoseconds(7000));
}

TEST(AddIntervals, ForgetsNothingWithoutNewIntervals) {
    const Intervals known = of({{1000, max_intervals}});
    EXPECT_EQ(add_intervals(known, Intervals{}), known);
}

TEST(AddIntervals, StaysWithinBoundsWhateverTheKernelCounts) {
    fault_tallies tallies{.dropped = most, .intervals = {}};
    std::fill_n(tallies.intervals, INTERVAL_BINS, most);
    const std::vector<fault_tallies> many(8192, tallies);
    const FaultTally added = difference({}, sum_of(many));
    EXPECT_TRUE(fault_time(add_intervals(Intervals{}, added.intervals)));
}

TEST(Tallies, AreSummedOverCpusAndComparedWithTheLastSum) {
    std::vector<fault_tallies> by_cpu(3);
    by_cpu[0].dropped = 4;
    by_cpu[2].dropped = 1;
    by_cpu[1].intervals[5] = 10;
    by_cpu[2].intervals[5] = 20;
    const FaultTally before = sum_of(by_cpu);
    EXPECT_EQ(before.dropped, 5U);
    EXPECT_EQ(before.intervals[5], 30U);
    by_cpu[1].dropped = 2;
    by_cpu[0].intervals[6] = 1;
    const FaultTally added = difference(before, sum_of(by_cpu));
    EXPECT_EQ(added.dropped, 2U);
    EXPECT_EQ(added.intervals[5], 0U);
    EXPECT_EQ(added.intervals[6], 1U);
    EXPECT_EQ(difference(sum_of(by_cpu), before).dropped, 0U) << "never below zero";
}

TEST(CountedFaults, AreReadFromAnEntryOfTheBpfMap) {
    const auto faults = counted_faults({70, 73, 5 << 1 | 1}, {9, 2, 3}, guest);
    ASSERT_TRUE(faults);
    EXPECT_EQ(faults->process, 70);
    EXPECT_EQ(faults->thread, 73);
    EXPECT_EQ(faults->vcpu, 2);
    EXPECT_EQ(faults->bucket, 5U);
    EXPECT_TRUE(faults->write);
    EXPECT_EQ(faults->count, 9U);
    EXPECT_FALSE(counted_faults({70, 73, 5 << 1}, {9, 2, 3}, guest)->write);
}

TEST(CountedFaults, OfAnEarlierWatchAreIgnored) {
    EXPECT_FALSE(counted_faults({70, 73, 1}, {9, 2, 2}, guest));
}

TEST(CountedFaults, ThatCannotBeTrueAreIgnored) {
    EXPECT_FALSE(counted_faults({70, 73, 1}, {0, 2, 3}, guest));
    EXPECT_FALSE(counted_faults({70, 73, 1}, {most, 2, 3}, guest));
    EXPECT_FALSE(counted_faults({70, 73, 1}, {9, max_kvm_vcpu_id + 1, 3}, guest));
    EXPECT_FALSE(counted_faults({70, 73, most}, {9, 2, 3}, guest));
    const std::uint64_t buckets = std::uint64_t{1} << (address_bits - 26);
    EXPECT_TRUE(counted_faults({70, 73, (buckets - 1) << 1}, {9, 2, 3}, guest));
    EXPECT_FALSE(counted_faults({70, 73, buckets << 1}, {9, 2, 3}, guest));
}

TEST(LoadFaultCounter, WorksOrSaysWhyNot) {
    std::string why_not;
    const auto counter = load_fault_counter(why_not);
    EXPECT_EQ(counter == nullptr, !why_not.empty()) << why_not;
    EXPECT_LT(why_not.size(), 4096U);
    EXPECT_EQ(why_not.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace vnuma
