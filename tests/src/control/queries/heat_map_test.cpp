#include "src/control/queries/heat_map.hpp"

#include <gtest/gtest.h>

#include "tests/src/control/queries/made_up_tick.hpp"

namespace vnuma::control {
namespace {

using test::MadeUpTick;
using test::web1_uuid;

constexpr std::uint64_t host_start = std::uint64_t{1} << 40;
constexpr std::uint64_t chunk = 2 * mib;

// A guest of 16 MiB, in eight chunks, in two pieces of its guest-physical memory.
class HeatMapQuery : public ::testing::Test {
  protected:
    HeatMapQuery() {
        made.add_guest("web1", web1_uuid, {0, 2}, {16 * mib, 0});
        RamBlock& block = made.sample().cells[0].blocks.emplace_back();
        block.host = {host_start, 8 * chunk};
        block.guest = {{0, 4 * chunk}, {1024 * chunk, 4 * chunk}};
        tracking().chunk_bytes = chunk;
    }
    TrackingSample& tracking() { return made.sample().tracking; }
    HeatMap map(int blocks) { return map_heat(made.tick, 0, blocks); }

    MadeUpTick made;
};

TEST_F(HeatMapQuery, HasTheMeanHeatAndTheMainAccessorOfEachBlock) {
    tracking().map = {{0, chunk, 1000, 0},
                      {chunk, chunk, 500, 0},
                      {2 * chunk, chunk, 200, 0},
                      {3 * chunk, chunk, 0, 1},
                      {1025 * chunk, chunk, 400, -2}};
    const HeatMap found = map(4);
    EXPECT_EQ(found.trouble, "");
    EXPECT_EQ(found.block_bytes, 4 * mib);
    EXPECT_EQ(found.blocks,
              (std::vector<HeatBlock>{{0, 750, 0}, {0, 100, -2}, {0, 200, -2}, {0, 0, -1}}));
}

TEST_F(HeatMapQuery, ShowsHotRangesAndTheirAccessorsWithoutTheMapAndNamesTheKey) {
    tracking().hot_ranges = std::make_shared<const std::vector<RamRange>>(
        std::vector<RamRange>{{host_start + chunk, 2 * chunk}});
    tracking().own_ranges = std::make_shared<const std::vector<OwnRange>>(
        std::vector<OwnRange>{{{host_start, 2 * chunk}, 1, 0},
                              {{host_start + 4 * chunk, 4 * chunk}, OwnRange::shared, 0}});
    const HeatMap found = map(4);
    EXPECT_EQ(found.blocks,
              (std::vector<HeatBlock>{{0, 500, 1}, {0, 500, -1}, {0, 0, -2}, {0, 0, -2}}));
    EXPECT_NE(found.trouble.find("report.heat_map"), std::string::npos);
    EXPECT_EQ(found.trouble.back(), '.');
}

TEST_F(HeatMapQuery, HasANodeOnlyWhereItIsCertain) {
    made.sample().cells[0].residency.bytes = {{0, 15 * mib}, {1, mib}};
    EXPECT_EQ(map(1).blocks[0].node, 0);
    EXPECT_EQ(map(4).blocks[0].node, 0) << "1 MiB is less than half of 4 MiB";
    EXPECT_EQ(map(8).blocks[0].node, std::nullopt) << "1 MiB is half of 2 MiB";
    made.sample().cells[0].residency.bytes = {{0, 4 * mib}};
    EXPECT_EQ(map(4).blocks[0].node, std::nullopt) << "most is not resident";
}

TEST_F(HeatMapQuery, HasNoMoreBlocksThanAskedForAndNoneSmallerThanAChunk) {
    EXPECT_EQ(map(3).blocks.size(), 3U);
    EXPECT_EQ(map(3).block_bytes, 6 * mib);
    EXPECT_EQ(map(5).blocks.size(), 4U);
    EXPECT_EQ(map(1000).blocks.size(), 8U);
    EXPECT_EQ(map(0).blocks.size(), 1U);
    EXPECT_EQ(map(1 << 30).blocks.size(), 8U);
}

TEST_F(HeatMapQuery, SaysWhyNoHeatIsKnown) {
    EXPECT_EQ(
        map(4).trouble,
        "No heat is known: the guest's memory has not been scanned yet. vnumad does not track "
        "guests that it only observes, nor with tracking.heat = \"none\".");
    tracking().heat.trouble = "the kernel has no DAMON";
    EXPECT_EQ(map(4).trouble, "No heat is known: the kernel has no DAMON.");
    tracking().heat.trouble = "";
    tracking().heat.scans = 3;
    tracking().heat.tracker = "dirty-rate";
    EXPECT_NE(map(4).trouble.find("the tracker dirty-rate measures how much"), std::string::npos);
    made.sample().cells[0].blocks.clear();
    EXPECT_EQ(map(4).trouble, "It is not known where in the guest's process its memory is.");
    EXPECT_TRUE(map(4).blocks.empty());
}

TEST_F(HeatMapQuery, LeavesOutWhatIsOutsideOfTheGuestsMemory) {
    tracking().map = {{4 * chunk, chunk, 1000, 0}, {1, 0, 1000, 0}};
    tracking().hot_ranges = nullptr;
    for (const HeatBlock& block : map(8).blocks)
        EXPECT_EQ(block.heat, 0);
}

}  // namespace
}  // namespace vnuma::control
