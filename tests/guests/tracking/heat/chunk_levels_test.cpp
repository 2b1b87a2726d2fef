#include "guests/tracking/heat/chunk_levels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "guests/tracking/heat/heat_table.hpp"

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

TEST(LevelsByChunk, AChunkOutsideAllRegionsIsNotScanned) {
    EXPECT_EQ(levels_by_chunk({}, grid_of({{base, 3 * chunk}})), Levels(3, not_scanned));
    EXPECT_EQ(levels_by_chunk({accessed(2, 4, 7)}, grid_of({{base, 3 * chunk}})),
              (Levels{not_scanned, 7, not_scanned}));
}

TEST(LevelsByChunk, AChunkWithTwoRegionsGetsTheirMeanWeightedByBytes) {
    EXPECT_EQ(levels_by_chunk({accessed(0, 1, 900), {base + mib, base + mib + mib / 2, 300}},
                              grid_of({{base, chunk}})),
              Levels{700});
}

TEST(LevelsByChunk, RegionsAreClippedToTheGuestsMemory) {
    EXPECT_EQ(levels_by_chunk({{0, ~std::uint64_t{0}, 5}},
                              grid_of({{base, chunk + 4096}, {base * 2, 1}})),
              (Levels{5, 5, 5}));
    EXPECT_EQ(levels_by_chunk({{base - 10 * mib, base, 5}, {base + chunk, base + 2 * chunk, 5}},
                              grid_of({{base, chunk}})),
              Levels{not_scanned});
}

TEST(LevelsByChunk, ARegionThatEndsBeforeItBeginsIsIgnored) {
    EXPECT_EQ(levels_by_chunk({{base + chunk, base, 5}}, grid_of({{base, 2 * chunk}})),
              Levels(2, not_scanned));
}

TEST(LevelsByChunk, WhereRegionsOverlapTheOneThatBeginsFirstDecides) {
    EXPECT_EQ(
        levels_by_chunk({accessed(1, 4, 100), accessed(0, 2, 40)}, grid_of({{base, 2 * chunk}})),
        (Levels{40, 100}));
}

// Generates memory, and regions as DAMON may adapt them: with any borders, in any order, and partly
// outside the memory.
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

// A slow and simple reference: the mean over all pages of a chunk.
Levels levels_by_page(const std::vector<AccessedRange>& regions, const ChunkGrid& grid) {
    Levels levels(grid.size(), not_scanned);
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

TEST(LevelsByChunk, AreTheMeansOverTheScannedPages) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        Random random(seed);
        const ChunkGrid grid = grid_of(random.ram());
        const auto regions = random.regions();
        EXPECT_EQ(levels_by_chunk(regions, grid), levels_by_page(regions, grid)) << "seed " << seed;
    }
}

TEST(LevelsByChunk, DoNotDependOnTheOrderOfRegions) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        Random random(seed);
        const ChunkGrid grid = grid_of(random.ram());
        auto regions = random.regions();
        const Levels levels = levels_by_chunk(regions, grid);
        std::shuffle(regions.begin(), regions.end(), random.random);
        EXPECT_EQ(levels_by_chunk(regions, grid), levels) << "seed " << seed;
    }
}

TEST(LevelsByChunk, AreTheSameWhenEachRegionIsDividedInTwo) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        Random random(seed);
        const ChunkGrid grid = grid_of(random.ram());
        const auto regions = random.regions();
        std::vector<AccessedRange> divided;
        for (const AccessedRange& region : regions) {
            const std::uint64_t middle = region.start + (region.end - region.start) / 8192 * 4096;
            divided.push_back({region.start, middle, region.level});
            divided.push_back({middle, region.end, region.level});
        }
        EXPECT_EQ(levels_by_chunk(divided, grid), levels_by_chunk(regions, grid))
            << "seed " << seed;
    }
}

}  // namespace
}  // namespace vnuma
