#include "guests/tracking/damon/damon_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "guests/memory/chunk_residency.hpp"

namespace vnuma {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t base = 0x7f0000000000;
constexpr std::uint64_t page = 4096;
constexpr milliseconds usual{2'000};

std::vector<AddressRange> as_addresses(std::vector<RamRange> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const auto& a, const auto& b) { return a.start < b.start; });
    std::vector<AddressRange> addresses;
    for (const RamRange& range : ranges)
        addresses.push_back({range.start, range.start + range.size});
    return addresses;
}

// Joins neighbouring regions, except across the border of two of the ranges.
std::vector<AddressRange> joined(const std::vector<AddressRange>& regions,
                                 const std::vector<AddressRange>& ranges) {
    std::vector<AddressRange> whole;
    for (const AddressRange& region : regions) {
        const bool begins = std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
            return range.start == region.start;
        });
        if (whole.empty() || begins || whole.back().end != region.start)
            whole.push_back(region);
        else
            whole.back().end = region.end;
    }
    return whole;
}

class RandomMemory {
  public:
    explicit RandomMemory(unsigned seed) : random_(seed) {}

    std::uint64_t upto(std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>(0, most)(random_);
    }
    // Ranges of a few KiB to many GiB, with and without gaps, in any order.
    std::vector<RamRange> ranges() {
        std::vector<RamRange> ranges;
        std::uint64_t at = base;
        for (std::uint64_t count = 1 + upto(40); count > 0; --count) {
            at += upto(2) * page * upto(100'000);
            const std::uint64_t size = page * (1 + upto(std::uint64_t{1} << upto(23)));
            ranges.push_back({at, size});
            at += size;
        }
        std::shuffle(ranges.begin(), ranges.end(), random_);
        return ranges;
    }
    std::vector<AccessedRange> regions(std::uint64_t from, std::uint64_t bytes) {
        std::vector<AccessedRange> regions;
        for (std::uint64_t count = upto(3'000); count > 0; --count) {
            const std::uint64_t start = from + upto(bytes);
            regions.push_back({start, start + upto(bytes / 100) - upto(10),
                               static_cast<std::uint16_t>(upto(1) * upto(max_level))});
        }
        return regions;
    }

  private:
    std::mt19937 random_;
};

void expect_valid(const DamonPlan& plan, const std::vector<RamRange>& ranges) {
    const std::vector<AddressRange> addresses = as_addresses(ranges);
    EXPECT_EQ(plan.ranges, addresses);
    EXPECT_EQ(joined(plan.regions, addresses), addresses)
        << "the regions are not exactly the memory";
    EXPECT_LE(plan.regions.size(), max_damon_regions);
    EXPECT_GE(plan.max_regions, plan.regions.size());
    EXPECT_GE(plan.max_regions, plan.min_regions);
    EXPECT_GE(plan.min_regions, 3U);
    for (const AddressRange& region : plan.regions) {
        EXPECT_EQ(region.start % page, 0U);
        EXPECT_EQ(region.end % page, 0U);
        EXPECT_LT(region.start, region.end);
    }
}

TEST(DamonPlan, CoversExactlyTheMemoryWhateverTheEarlierRegionsWere) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        RandomMemory random(seed);
        const std::vector<RamRange> ranges = random.ranges();
        SCOPED_TRACE(seed);
        expect_valid(plan_scan(ranges, usual, {}, false), ranges);
        const auto earlier = random.regions(base, std::uint64_t{1} << 36);
        expect_valid(plan_scan(ranges, usual, earlier, false), ranges);
    }
}

TEST(DamonPlan, ASmallGuestIsScannedByChunkAndDamonKeepsThoseRegions) {
    const DamonPlan plan =
        plan_scan({{base, 100 * chunk_bytes + page}, {2 * base, chunk_bytes}}, usual, {}, false);
    ASSERT_EQ(plan.regions.size(), 102U);
    EXPECT_EQ(plan.regions[1], (AddressRange{base + chunk_bytes, base + 2 * chunk_bytes}));
    EXPECT_EQ(plan.regions[100].end - plan.regions[100].start, page);
    EXPECT_EQ(plan.bytes, 101 * chunk_bytes + page);
    EXPECT_FALSE(plan.adapts);
    EXPECT_EQ(plan.min_regions, 102U);
    EXPECT_EQ(plan.max_regions, 102U);
}

TEST(DamonPlan, RegionsAreChunksUpToTheLimitOfRegions) {
    EXPECT_FALSE(plan_scan({{base, 1024 * chunk_bytes}}, usual, {}, false).adapts);
    EXPECT_TRUE(plan_scan({{base, 1025 * chunk_bytes}}, usual, {}, false).adapts);
}

TEST(DamonPlan, TheFirstScanOfALargeGuestHasRegionsOfEqualSize) {
    const DamonPlan plan = plan_scan({{base, 10'240 * chunk_bytes}}, usual, {}, false);
    EXPECT_TRUE(plan.adapts);
    EXPECT_EQ(plan.regions.size(), 1024U);
    EXPECT_EQ(plan.regions[0].end - plan.regions[0].start, 10 * chunk_bytes);
    EXPECT_LT(plan.min_regions, plan.max_regions);
}

TEST(DamonPlan, ALaterScanOfALargeGuestKeepsItsRegionsAndDividesTheAccessedOnes) {
    const std::uint64_t middle = base + 5'000 * chunk_bytes, end = base + 10'240 * chunk_bytes;
    const std::vector<AccessedRange> earlier{{base, middle, 0},
                                             {middle, middle + 100 * chunk_bytes, 1},
                                             {middle + 100 * chunk_bytes, end, 0}};
    const DamonPlan plan = plan_scan({{base, 10'240 * chunk_bytes}}, usual, earlier, false);
    ASSERT_EQ(plan.regions.size(), 102U);
    EXPECT_EQ(plan.regions[0], (AddressRange{base, middle}));
    EXPECT_EQ(plan.regions[1], (AddressRange{middle, middle + chunk_bytes}));
    EXPECT_EQ(plan.regions[101].end, end);
}

TEST(DamonPlan, AccessedMemoryIsDividedIntoFewEnoughRegionsForDamonToSplitOthers) {
    const std::vector<AccessedRange> earlier{{base, base + 10'240 * chunk_bytes, max_level}};
    const DamonPlan plan = plan_scan({{base, 10'240 * chunk_bytes}}, usual, earlier, false);
    EXPECT_LE(plan.regions.size(), max_damon_regions / 2);
    EXPECT_GT(plan.regions.size(), max_damon_regions / 3);
}

TEST(DamonPlan, OverlappingAndEmptyRangesAreCorrected) {
    const DamonPlan plan = plan_scan({{base + 1, 3 * page},
                                      {base + 2 * page, 2 * page},
                                      {base, 0},
                                      {~std::uint64_t{0} - page, 2 * page}},
                                     usual, {}, false);
    EXPECT_EQ(plan.ranges, (std::vector<AddressRange>{{base + page, base + 3 * page},
                                                      {base + 3 * page, base + 4 * page}}));
    EXPECT_EQ(plan_scan({}, usual, {}, false).bytes, 0U);
}

TEST(DamonPlan, AnAggregationIsCompleteWhenTheScanIsOver) {
    for (const auto size : {100 * chunk_bytes, 100'000 * chunk_bytes})
        for (const auto duration : {1, 13, 500, 1'000, 2'000, 10'000, 100'000, 10'000'000})
            for (const bool per_aggregation : {false, true}) {
                const DamonPlan plan =
                    plan_scan({{base, size}}, milliseconds(duration), {}, per_aggregation);
                EXPECT_GE(plan.sampling_interval, min_sampling_interval);
                EXPECT_LE(plan.sampling_interval, max_sampling_interval);
                EXPECT_GE(plan.samples_per_aggregation, 3);
                EXPECT_LE(plan.samples_per_aggregation, max_samples_per_aggregation);
                EXPECT_LT(plan.aggregation_interval(), milliseconds(std::max(duration, 13)));
                EXPECT_TRUE(!per_aggregation ||
                            plan.samples_per_aggregation == max_samples_before_report);
            }
    const DamonPlan plan = plan_scan({{base, chunk_bytes}}, milliseconds(1'300), {}, false);
    EXPECT_EQ(plan.sampling_interval, milliseconds(100));
    EXPECT_EQ(plan.aggregation_interval(), milliseconds(1'200));
}

TEST(ReportTiming, ConcludesFromRepeatedLateReportsThatTheKernelReportsPerAggregation) {
    const DamonPlan plan = plan_scan({{base, chunk_bytes}}, usual, {}, false);
    ReportTiming timing;
    timing.record(plan.aggregation_interval(), plan);
    EXPECT_FALSE(timing.per_aggregation()) << "the host may be busy";
    timing.record(plan.aggregation_interval() / 2, plan);
    timing.record(plan.aggregation_interval(), plan);
    EXPECT_FALSE(timing.per_aggregation());
    timing.record(plan.aggregation_interval(), plan);
    EXPECT_TRUE(timing.per_aggregation());
    const DamonPlan short_plan = plan_scan({{base, chunk_bytes}}, usual, {}, true);
    timing.record(short_plan.aggregation_interval(), short_plan);
    EXPECT_TRUE(timing.per_aggregation());
    timing.record(short_plan.aggregation_interval() - milliseconds(1), short_plan);
    EXPECT_FALSE(timing.per_aggregation())
        << "a kernel that reports per aggregation cannot report within one";
}

DamonPlan two_ranges() {
    return plan_scan({{base, 2 * chunk_bytes}, {base + 4 * chunk_bytes, chunk_bytes}}, usual, {},
                     false);
}

TEST(InterpretRegions, TheLevelIsTheShareOfAccessedSamples) {
    const DamonPlan plan = two_ranges();
    const DamonResult result =
        interpret_regions(plan, {{base, base + page, 0},
                                 {base + page, base + 2 * page, 6},
                                 {base + 2 * page, base + 3 * page, 12},
                                 {base + 3 * page, base + 4 * page, ~std::uint64_t{0}}});
    ASSERT_EQ(result.accessed.size(), 4U);
    EXPECT_EQ(result.accessed[0].level, 0);
    EXPECT_EQ(result.accessed[1].level, max_level / 2);
    EXPECT_EQ(result.accessed[2].level, max_level);
    EXPECT_EQ(result.accessed[3].level, max_level);
    EXPECT_EQ(result.bytes, 4 * page);
}

TEST(InterpretRegions, RegionsAreClippedToTheGuestsMemory) {
    const DamonResult result = interpret_regions(
        two_ranges(), {{0, base - page, 1}, {base - page, base + 5 * chunk_bytes + page, 12}});
    EXPECT_EQ(result.accessed, (std::vector<AccessedRange>{
                                   {base, base + 2 * chunk_bytes, max_level},
                                   {base + 4 * chunk_bytes, base + 5 * chunk_bytes, max_level}}));
    EXPECT_EQ(result.bytes, 3 * chunk_bytes);
}

TEST(InterpretRegions, AnyRegionsGiveSortedDisjointRangesWithinTheMemory) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        RandomMemory random(seed);
        const DamonPlan plan = plan_scan(random.ranges(), usual, {}, false);
        std::vector<DamonRegion> reported;
        for (const AccessedRange& region :
             random.regions(base - chunk_bytes, std::uint64_t{1} << 34))
            reported.push_back({region.start, region.end, region.level});
        const DamonResult result = interpret_regions(plan, reported);
        std::uint64_t done_to = 0, bytes = 0;
        for (const AccessedRange& range : result.accessed) {
            EXPECT_LT(range.start, range.end);
            EXPECT_GE(range.start, done_to);
            done_to = range.end;
            bytes += range.end - range.start;
            EXPECT_TRUE(std::any_of(plan.ranges.begin(), plan.ranges.end(), [&](const auto& all) {
                return all.start <= range.start && range.end <= all.end;
            }));
        }
        EXPECT_EQ(bytes, result.bytes);
        EXPECT_LE(bytes, plan.bytes);
    }
}

}  // namespace
}  // namespace vnuma
