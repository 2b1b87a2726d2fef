#include "guests/tracking/heat/heat_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "guests/tracking/heat/chunk_levels.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t chunk = 2 << 20;
constexpr std::uint64_t base = 0x7f0000000000;

ChunkGrid grid_of(std::vector<RamRange> ranges) {
    return ChunkGrid(std::move(ranges), chunk, max_heat_chunks);
}

using Levels = std::vector<std::int32_t>;

TEST(HeatChunkBytes, AreTwoMibBelowOneTib) {
    EXPECT_EQ(heat_chunk_bytes(64 << 20, 1), chunk);
    EXPECT_EQ(heat_chunk_bytes(std::uint64_t{1} << 39, 3), chunk);
    EXPECT_EQ(heat_chunk_bytes(std::uint64_t{1} << 40, 1), 2 * chunk);
    EXPECT_EQ(heat_chunk_bytes(std::uint64_t{3} << 40, 1), 4 * chunk);
}

TEST(HeatChunkBytes, KeepEveryGuestWithinTheLimitOfChunks) {
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

HeatTable table_of(std::size_t chunks) {
    return HeatTable(grid_of({{base, chunks * chunk}}));
}

TEST(HeatTable, TheFirstScanSetsTheHeat) {
    HeatTable table = table_of(3);
    EXPECT_EQ(table.merge(Levels{1000, 0, not_scanned}, 13, false), 1000);
    EXPECT_EQ(table.heat(0), 1000);
    EXPECT_TRUE(table.known(1));
    EXPECT_FALSE(table.known(2));
}

TEST(HeatTable, EachScanHalvesEarlierHeat) {
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

TEST(HeatTable, HotMemoryThatIsNoLongerAccessedIsColdAtOnce) {
    HeatTable table = table_of(3);
    table.merge(Levels{max_level, 0, max_level / 5}, 13, false);
    table.merge(Levels{0, max_level, 0}, 13, false);
    EXPECT_EQ(table.heat(0), 0);
    EXPECT_GE(table.heat(1), table.hot_from());
    EXPECT_EQ(table.heat(2), max_level / 10)
        << "it was accessed so seldom that samples may have missed it";
}

TEST(HeatTable, TheFewerSamplesMissMemoryTheHotterItHasToBeToBeColdAtOnce) {
    constexpr std::array<std::pair<int, int>, 2> cases{{{3, 47'000}, {4, 40'000}}};
    for (const auto& [samples, heat] : cases) {
        HeatTable table(grid_of({{base, 2 * chunk}}));
        table.merge(Levels{heat, heat / 2}, samples, false);
        table.merge(Levels{0, 0}, samples, false);
        EXPECT_EQ(table.heat(0), 0) << samples << " samples";
        EXPECT_EQ(table.heat(1), heat / 4) << samples << " samples";
    }
}

TEST(HeatTable, ASingleSampleMakesNoMemoryColdAtOnce) {
    HeatTable table = table_of(1);
    table.merge(Levels{max_level}, 1, false);
    table.merge(Levels{0}, 1, false);
    EXPECT_EQ(table.heat(0), max_level / 2);
}

TEST(HeatTable, MemoryThatAScanLeavesOutKeepsItsHeat) {
    HeatTable table = table_of(1);
    table.merge(Levels{800}, 13, false);
    EXPECT_EQ(table.merge(Levels{not_scanned}, 13, false), 1000);
    EXPECT_EQ(table.heat(0), 800);
}

TEST(HeatTable, HeatStaysBetweenTheLowestAndTheHighestLevel) {
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

TEST(HeatTable, AScanAgreesByItsCommonPartWithEarlierHeat) {
    HeatTable table = table_of(2);
    table.merge(Levels{1000, 0}, 13, false);
    EXPECT_EQ(table.merge(Levels{1000, 0}, 13, false), 1000);
    EXPECT_EQ(table.merge(Levels{500, 0}, 13, false), 500);
    HeatTable moved = table_of(2);
    moved.merge(Levels{1000, 0}, 13, false);
    EXPECT_EQ(moved.merge(Levels{0, 1000}, 13, false), 0);
}

TEST(HeatTable, AScanOfWritesSetsTheWriteShare) {
    HeatTable table = table_of(2);
    table.merge(Levels{10, 0}, 13, true);
    EXPECT_EQ(table.write_share(0), 1000);
    EXPECT_EQ(table.write_share(1), 0);
}

TEST(HeatTable, ChunksAreHotFromAnEighthOfTheMean) {
    HeatTable table = table_of(5);
    EXPECT_EQ(table.hot_from(), 1);
    table.merge(Levels{16'000, 4000, 4000, 0, 0}, 13, false);
    EXPECT_EQ(table.hot_from(), 1000);
}

TEST(HeatTable, HotNeighboursAreJoinedAndSortedByAddress) {
    // The range with the higher address is listed first.
    HeatTable table(grid_of({{base + 10 * chunk, 3 * chunk}, {base, 2 * chunk}}));
    table.merge(Levels{900, 800, 1, 0, 700}, 13, false);
    EXPECT_EQ(hot_ranges(table, 500),
              (std::vector<RamRange>{{base + chunk, chunk}, {base + 10 * chunk, 2 * chunk}}));
    EXPECT_TRUE(hot_ranges(table, 1000).empty());
}

TEST(HeatTable, ThereAreNoHotRangesIfThereWouldBeTooMany) {
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

TEST(HeatTable, ChunksKeepTheirEntriesWhenMemoryIsPlugged) {
    HeatTable table(grid_of({{base, 2 * chunk}}));
    table.merge(Levels{1, 2}, 13, false);
    table.record_faults(1, 5, 1, 0);
    table.change_grid(grid_of({{base * 2, chunk}, {base, 3 * chunk}}));
    EXPECT_FALSE(table.known(0));
    EXPECT_EQ(table.heat(1), 1);
    EXPECT_EQ(table.heat(2), 2);
    EXPECT_FALSE(table.known(3));
    table.record_faults(2, 5, 1, 0);
    EXPECT_EQ(table.accessor(2), (Accessor{Accessor::one, 5}));
}

TEST(HeatTable, TakesAtMostSixteenBytesPerChunk) {
    const HeatTable table(ChunkGrid({{base, std::uint64_t{1} << 40}}, chunk, max_heat_chunks));
    EXPECT_LE(table.bytes_held(), 16 * table.grid().size());
}

TEST(Accessor, IsKnownFromTheSecondRoundOn) {
    HeatTable table = table_of(1);
    EXPECT_EQ(table.accessor(0).kind, Accessor::unknown);
    table.record_faults(0, 0, 3, 0);
    EXPECT_EQ(table.accessor(0).kind, Accessor::unknown);
    table.record_faults(0, 0, 1, 0);
    EXPECT_EQ(table.accessor(0), (Accessor{Accessor::one, 0}));
}

TEST(Accessor, ARoundWithoutFaultsDoesNotCount) {
    HeatTable table = table_of(1);
    table.record_faults(0, 1, 1, 0);
    table.record_faults(0, 2, 0, 0);
    table.record_faults(0, 1, 1, 0);
    EXPECT_EQ(table.accessor(0), (Accessor{Accessor::one, 1}));
}

TEST(Accessor, IsSeveralForVcpusThatTakeTurns) {
    HeatTable table = table_of(1);
    for (int i = 0; i < 20; ++i) {
        table.record_faults(0, i / 2 % 2, 1, 0);
        if (i >= 2) {
            EXPECT_EQ(table.accessor(0).kind, Accessor::several) << i;
        }
    }
}

// A huge page faults once in a round, for the vCPU that accesses it first.
TEST(Accessor, IsNearlyAlwaysSeveralForVcpusThatFaultFirstAtRandom) {
    std::mt19937 random(11);
    HeatTable table = table_of(1);
    int shared = 0;
    for (int i = 0; i < 2000; ++i) {
        table.record_faults(0, static_cast<int>(random() & 1U), 1, 0);
        shared += table.accessor(0).kind == Accessor::several ? 1 : 0;
    }
    EXPECT_GE(shared, 1900);
}

TEST(Accessor, IsSeveralAfterARoundWithSeveralVcpus) {
    HeatTable table = table_of(1);
    table.record_faults(0, -1, 9, 0);
    EXPECT_EQ(table.accessor(0).kind, Accessor::several);
}

TEST(Accessor, IsTheNewVcpuThreeRoundsAfterAChange) {
    HeatTable table = table_of(1);
    for (int i = 0; i < 9; ++i)
        table.record_faults(0, 1, 1, 0);
    table.record_faults(0, 2, 1, 0);
    EXPECT_EQ(table.accessor(0).kind, Accessor::several);
    table.record_faults(0, 2, 1, 0);
    EXPECT_EQ(table.accessor(0).kind, Accessor::several);
    table.record_faults(0, 2, 1, 0);
    EXPECT_EQ(table.accessor(0), (Accessor{Accessor::one, 2}));
}

TEST(WriteShare, IsThatOfTheFaultsWithEarlierRoundsHalved) {
    HeatTable table = table_of(2);
    table.merge(Levels{10, 0}, 13, false);
    EXPECT_EQ(table.write_share(0), unknown_write_share)
        << "the scan did not tell writes from reads";
    table.record_faults(0, 1, 4, 4);
    table.record_faults(1, 1, 4, 0);
    EXPECT_EQ(table.write_share(0), 1000);
    EXPECT_EQ(table.write_share(1), 0);
    table.record_faults(0, 1, 2, 0);
    EXPECT_NEAR(table.write_share(0), 500, 4);
}

}  // namespace
}  // namespace vnuma
