#include "guests/memory/chunk_grid.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace vnuma {
namespace {

const std::vector<RamRange> ranges{{1000, 250}, {5000, 0}, {5000, 100}, {200, 30}};

TEST(ChunkGrid, EveryRangeBeginsAChunkOfItsOwn) {
    const ChunkGrid grid(ranges, 100, 10);
    EXPECT_EQ(grid.size(), 5U);
    EXPECT_EQ(grid.chunk(1), (RamRange{1100, 100}));
    EXPECT_EQ(grid.chunk(2), (RamRange{1200, 50}));
    EXPECT_EQ(grid.chunk(3), (RamRange{5000, 100}));
    EXPECT_EQ(grid.chunk(4), (RamRange{200, 30}));
}

TEST(ChunkGrid, FindsTheChunkOfEveryAddress) {
    const ChunkGrid grid(ranges, 100, 10);
    for (std::size_t chunk = 0; chunk < grid.size(); ++chunk) {
        const RamRange range = grid.chunk(chunk);
        for (std::uint64_t at = range.start; at < range.start + range.size; ++at)
            EXPECT_EQ(grid.find(at), chunk);
    }
}

TEST(ChunkGrid, AnAddressOutsideAllRangesIsInNoChunk) {
    const ChunkGrid grid(ranges, 100, 10);
    for (const std::uint64_t at : {0U, 199U, 230U, 999U, 1250U, 4999U, 5100U})
        EXPECT_EQ(grid.find(at), std::nullopt) << at;
    EXPECT_EQ(ChunkGrid().find(0), std::nullopt);
}

TEST(ChunkGrid, ThrowsBeyondItsLimitOfChunksAndBeyondTheAddressSpace) {
    EXPECT_THROW(ChunkGrid(ranges, 100, 4), std::length_error);
    EXPECT_THROW(ChunkGrid({{~std::uint64_t{0} - 10, 100}}, 100, 10), std::length_error);
}

}  // namespace
}  // namespace vnuma
