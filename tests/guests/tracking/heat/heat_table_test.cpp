#include "guests/tracking/heat/heat_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace vnuma {
namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t chunk = 2 * mib;
constexpr std::uint64_t base = 0x7f0000000000;

ChunkGrid grid_of(std::vector<RamRange> ranges) {
    return ChunkGrid(std::move(ranges), chunk, max_heat_chunks);
}

AccessedRange accessed(std::uint64_t from_mib, std::uint64_t to_mib, std::uint16_t level) {
    return {base + from_mib * mib, base + to_mib * mib, level};
}

using Levels = std::vector<std::int32_t>;

TEST(HeatChunks, AreOfTwoMibUpToATib) {
    EXPECT_EQ(heat_chunk_bytes(64 << 20, 1), chunk);
    EXPECT_EQ(heat_chunk_bytes(std::uint64_t{1} << 39, 3), chunk);
    EXPECT_EQ(heat_chunk_bytes(std::uint64_t{1} << 40, 1), 2 * chunk);
    EXPECT_EQ(heat_chunk_bytes(std::uint64_t{3} << 40, 1), 4 * chunk);
}

TEST(HeatChunks, OfAnyGuestAreNoMoreThanTheLimit) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 1000; ++i) {
        std::vector<RamRange> ranges(1 + random() % 64);
        std::uint64_t at = base, bytes = 0;
        for (RamRange& range : ranges) {
            range = {at, 4096 * (1 + random() % (std::uint64_t{1} << (random() % 26)))};
            at += range.size + 4096;
            bytes += range.size;
        }
        const ChunkGrid grid(ranges, heat_chunk_bytes(bytes, ranges.size()), max_heat_chunks);
        EXPECT_LE(grid.size(), max_heat_chunks);
    }
}

TEST(Spread, ChunksThatNobodyLookedAtSaySo) {
    EXPECT_EQ(spread({}, grid_of({{base, 3 * chunk}})), Levels(3, not_looked_at));
    EXPECT_EQ(spread({accessed(2, 4, 7)}, grid_of({{base, 3 * chunk}})),
              (Levels{not_looked_at, 7, not_looked_at}));
}

TEST(Spread, AChunkOfTwoRegionsGetsTheirMeanByBytes) {
    EXPECT_EQ(spread({accessed(0, 1, 900), {base + mib, base + mib + mib / 2, 300}},
                     grid_of({{base, chunk}})),
              Levels{700});
}

TEST(Spread, RegionsAreClippedToTheGuestsMemory) {
    EXPECT_EQ(spread({{0, ~std::uint64_t{0}, 5}}, grid_of({{base, chunk + 4096}, {base * 2, 1}})),
              (Levels{5, 5, 5}));
    EXPECT_EQ(spread({{base - 10 * mib, base, 5}, {base + chunk, base + 2 * chunk, 5}},
                     grid_of({{base, chunk}})),
              Levels{not_looked_at});
}

TEST(Spread, ARegionThatEndsBeforeItBeginsIsNone) {
    EXPECT_EQ(spread({{base + chunk, base, 5}}, grid_of({{base, 2 * chunk}})),
              Levels(2, not_looked_at));
}

TEST(Spread, OfOverlappingRegionsTheFirstHasTheCommonPart) {
    EXPECT_EQ(spread({accessed(1, 4, 100), accessed(0, 2, 40)}, grid_of({{base, 2 * chunk}})),
              (Levels{40, 100}));
}

// What the kernel's adaptive regions may look like: any borders, any order, some foreign.
struct Random {
    std::mt19937_64 random;
    explicit Random(unsigned seed) : random(seed) {}
    std::uint64_t below(std::uint64_t limit) { return random() % limit; }

    std::vector<RamRange> ram() {
        std::vector<RamRange> ranges(1 + below(4));
        std::uint64_t at = base;
        for (RamRange& range : ranges) {
            range = {at, 4096 * below(3000)};
            at += range.size + 4096 * below(800);
        }
        std::shuffle(ranges.begin(), ranges.end(), random);
        return ranges;
    }
    std::vector<AccessedRange> regions() {
        std::vector<AccessedRange> regions;
        for (std::uint64_t at = base - mib, i = 0; i < 60; ++i) {
            at += below(2) * 4096 * below(300);
            const std::uint64_t end = at + 4096 * below(500);
            regions.push_back({at, end, static_cast<std::uint16_t>(below(max_level + 1))});
            at = end;
        }
        return regions;
    }
};

// The slow and certain way: page by page.
Levels spread_page_by_page(const std::vector<AccessedRange>& regions, const ChunkGrid& grid) {
    Levels levels(grid.size(), not_looked_at);
    for (std::size_t i = 0; i < grid.size(); ++i) {
        const RamRange range = grid.chunk(i);
        std::uint64_t sum = 0, pages = 0;
        for (std::uint64_t at = range.start; at < range.start + range.size; at += 4096)
            for (const AccessedRange& region : regions)
                if (at >= region.start && at < region.end) sum += region.level, ++pages;
        if (pages > 0) levels[i] = static_cast<std::int32_t>(sum / pages);
    }
    return levels;
}

TEST(Spread, IsWhatCountingPageByPageFinds) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        Random random(seed);
        const ChunkGrid grid = grid_of(random.ram());
        const auto regions = random.regions();
        EXPECT_EQ(spread(regions, grid), spread_page_by_page(regions, grid)) << "seed " << seed;
    }
}

TEST(Spread, DoesNotDependOnTheOrderOfRegions) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        Random random(seed);
        const ChunkGrid grid = grid_of(random.ram());
        auto regions = random.regions();
        const Levels levels = spread(regions, grid);
        std::shuffle(regions.begin(), regions.end(), random.random);
        EXPECT_EQ(spread(regions, grid), levels) << "seed " << seed;
    }
}

TEST(Spread, IsTheSameForRegionsCutInTwo) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        Random random(seed);
        const ChunkGrid grid = grid_of(random.ram());
        const auto regions = random.regions();
        std::vector<AccessedRange> cut;
        for (const AccessedRange& region : regions) {
            const std::uint64_t middle = region.start + (region.end - region.start) / 8192 * 4096;
            cut.push_back({region.start, middle, region.level});
            cut.push_back({middle, region.end, region.level});
        }
        EXPECT_EQ(spread(cut, grid), spread(regions, grid)) << "seed " << seed;
    }
}

HeatTable table_of(std::size_t chunks) {
    return HeatTable(grid_of({{base, chunks * chunk}}));
}

TEST(Heat, OfTheFirstLookIsWhatItSaw) {
    HeatTable table = table_of(3);
    EXPECT_EQ(table.merge(Levels{1000, 0, not_looked_at}, 13, false), 1000);
    EXPECT_EQ(table.heat(0), 1000);
    EXPECT_TRUE(table.known(1));
    EXPECT_FALSE(table.known(2));
}

TEST(Heat, IsHalvedInEachLook) {
    HeatTable table = table_of(2);
    table.merge(Levels{max_level, 8000}, 13, false);
    for (int i = 0; i < 3; ++i)
        table.merge(Levels{max_level, 0}, 13, false);
    EXPECT_EQ(table.heat(1), 1000);
    for (int i = 0; i < 16; ++i)
        table.merge(Levels{max_level, 0}, 13, false);
    EXPECT_EQ(table.heat(1), 0);
    EXPECT_EQ(table.heat(0), max_level);
}

TEST(Heat, OfMemoryThatIsDesertedIsForgottenAtOnce) {
    HeatTable table = table_of(3);
    table.merge(Levels{max_level, 0, max_level / 5}, 13, false);
    table.merge(Levels{0, max_level, 0}, 13, false);
    EXPECT_EQ(table.heat(0), 0);
    EXPECT_GE(table.heat(1), table.hot_from());
    EXPECT_EQ(table.heat(2), max_level / 10) << "seldom accessed, and perhaps again";
}

TEST(Heat, OfMemoryThatFewSamplesHaveMissedIsNotForgotten) {
    constexpr std::array<std::pair<int, int>, 2> cases{{{3, 47'000}, {4, 40'000}}};
    for (const auto& [samples, forgotten] : cases) {
        HeatTable table(grid_of({{base, 2 * chunk}}));
        table.merge(Levels{forgotten, forgotten / 2}, samples, false);
        table.merge(Levels{0, 0}, samples, false);
        EXPECT_EQ(table.heat(0), 0) << samples;
        EXPECT_EQ(table.heat(1), forgotten / 4) << samples;
    }
}

TEST(Heat, IsNeverForgottenAtOnceForASingleSample) {
    HeatTable table = table_of(1);
    table.merge(Levels{max_level}, 1, false);
    table.merge(Levels{0}, 1, false);
    EXPECT_EQ(table.heat(0), max_level / 2);
}

TEST(Heat, StaysWhereNobodyLooked) {
    HeatTable table = table_of(1);
    table.merge(Levels{800}, 13, false);
    EXPECT_EQ(table.merge(Levels{not_looked_at}, 13, false), 1000);
    EXPECT_EQ(table.heat(0), 800);
}

TEST(Heat, StaysBetweenTheLowestAndTheHighestThatWasSeen) {
    std::mt19937 random(3);
    HeatTable table = table_of(1);
    std::int32_t low = max_level, high = 0;
    for (int i = 0; i < 2000; ++i) {
        const auto level = static_cast<std::int32_t>(random() % (max_level + 1U));
        low = std::min(low, level), high = std::max(high, level);
        table.merge(Levels{level}, 13, false);
        EXPECT_LE(low, table.heat(0));
        EXPECT_LE(table.heat(0), high);
    }
}

TEST(Heat, LooksAgreeByTheirCommonPart) {
    HeatTable table = table_of(2);
    table.merge(Levels{1000, 0}, 13, false);
    EXPECT_EQ(table.merge(Levels{1000, 0}, 13, false), 1000);
    EXPECT_EQ(table.merge(Levels{500, 0}, 13, false), 500);
    HeatTable moved = table_of(2);
    moved.merge(Levels{1000, 0}, 13, false);
    EXPECT_EQ(moved.merge(Levels{0, 1000}, 13, false), 0);
}

TEST(Heat, OfWritesIsAllWriting) {
    HeatTable table = table_of(2);
    table.merge(Levels{10, 0}, 13, true);
    EXPECT_EQ(table.write_share(0), 1000);
    EXPECT_EQ(table.write_share(1), 0);
}

TEST(Heat, ChunksAreHotFromAnEighthOfTheMean) {
    HeatTable table = table_of(5);
    EXPECT_EQ(table.hot_from(), 1);
    table.merge(Levels{16'000, 4000, 4000, 0, 0}, 13, false);
    EXPECT_EQ(table.hot_from(), 1000);
}

TEST(Heat, HotNeighboursAreOneRangeByAddress) {
    // The second range of the guest comes first.
    HeatTable table(grid_of({{base + 10 * chunk, 3 * chunk}, {base, 2 * chunk}}));
    table.merge(Levels{900, 800, 1, 0, 700}, 13, false);
    EXPECT_EQ(hot_ranges(table, 500),
              (std::vector<RamRange>{{base + chunk, chunk}, {base + 10 * chunk, 2 * chunk}}));
    EXPECT_TRUE(hot_ranges(table, 1000).empty());
}

TEST(Heat, InTooManyPiecesNoneAreNamed) {
    HeatTable table(grid_of({{base, 2 * (max_hot_ranges + 1) * chunk}}));
    Levels levels(table.grid().size());
    for (std::size_t i = 0; i < levels.size(); i += 2)
        levels[i] = 1000;
    levels[0] = 0;
    table.merge(levels, 13, false);
    EXPECT_EQ(hot_ranges(table, 1).size(), max_hot_ranges);
    levels[0] = 1000;
    table.merge(levels, 13, false);
    EXPECT_TRUE(hot_ranges(table, 1).empty());
}

TEST(Heat, FollowsMemoryThatIsPlugged) {
    HeatTable table(grid_of({{base, 2 * chunk}}));
    table.merge(Levels{1, 2}, 13, false);
    table.note(1, 5, 1, 0);
    table.change_grid(grid_of({{base * 2, chunk}, {base, 3 * chunk}}));
    EXPECT_FALSE(table.known(0));
    EXPECT_EQ(table.heat(1), 1);
    EXPECT_EQ(table.heat(2), 2);
    EXPECT_FALSE(table.known(3));
    table.note(2, 5, 1, 0);
    EXPECT_EQ(table.accessor(2), (Accessor{Accessor::one, 5}));
}

TEST(Heat, OfATibIsHeldInSixteenBytesAChunkAtMost) {
    const HeatTable table(ChunkGrid({{base, std::uint64_t{1} << 40}}, chunk, max_heat_chunks));
    EXPECT_LE(table.bytes_held(), 16 * table.grid().size());
}

TEST(Accessor, IsKnownFromTheSecondRoundOn) {
    HeatTable table = table_of(1);
    EXPECT_EQ(table.accessor(0).kind, Accessor::unknown);
    table.note(0, 0, 3, 0);
    EXPECT_EQ(table.accessor(0).kind, Accessor::unknown);
    table.note(0, 0, 1, 0);
    EXPECT_EQ(table.accessor(0), (Accessor{Accessor::one, 0}));
}

TEST(Accessor, ARoundWithoutFaultsSaysNothing) {
    HeatTable table = table_of(1);
    table.note(0, 1, 1, 0);
    table.note(0, 2, 0, 0);
    table.note(0, 1, 1, 0);
    EXPECT_EQ(table.accessor(0), (Accessor{Accessor::one, 1}));
}

TEST(Accessor, VcpusThatTakeTurnsShare) {
    HeatTable table = table_of(1);
    for (int i = 0; i < 20; ++i) {
        table.note(0, i / 2 % 2, 1, 0);
        if (i >= 2) {
            EXPECT_EQ(table.accessor(0).kind, Accessor::several) << i;
        }
    }
}

// A huge page faults once in a round, by whoever comes first.
TEST(Accessor, VcpusThatComeFirstByChanceShareNearlyAlways) {
    std::mt19937 random(11);
    HeatTable table = table_of(1);
    int shared = 0;
    for (int i = 0; i < 2000; ++i) {
        table.note(0, static_cast<int>(random() & 1U), 1, 0);
        shared += table.accessor(0).kind == Accessor::several ? 1 : 0;
    }
    EXPECT_GE(shared, 1900);
}

TEST(Accessor, SeveralInOneRoundShare) {
    HeatTable table = table_of(1);
    table.note(0, -1, 9, 0);
    EXPECT_EQ(table.accessor(0).kind, Accessor::several);
}

TEST(Accessor, AChunkThatChangedHandsBelongsToTheNewOneAfterAWhile) {
    HeatTable table = table_of(1);
    for (int i = 0; i < 9; ++i)
        table.note(0, 1, 1, 0);
    table.note(0, 2, 1, 0);
    EXPECT_EQ(table.accessor(0).kind, Accessor::several);
    table.note(0, 2, 1, 0);
    EXPECT_EQ(table.accessor(0).kind, Accessor::several);
    table.note(0, 2, 1, 0);
    EXPECT_EQ(table.accessor(0), (Accessor{Accessor::one, 2}));
}

TEST(WriteShare, IsThatOfTheFaults) {
    HeatTable table = table_of(2);
    table.merge(Levels{10, 0}, 13, false);
    EXPECT_EQ(table.write_share(0), -1) << "a look that cannot tell";
    table.note(0, 1, 4, 4);
    table.note(1, 1, 4, 0);
    EXPECT_EQ(table.write_share(0), 1000);
    EXPECT_EQ(table.write_share(1), 0);
    table.note(0, 1, 2, 0);
    EXPECT_NEAR(table.write_share(0), 500, 4);
}

}  // namespace
}  // namespace vnuma
