#include "guests/tracking/heat/heat_by_node.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <set>

#include "guests/memory/chunk_residency.hpp"
#include "guests/model/access_matrix.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t base = 0x7f0000000000;

// Returns the nodes that a test sets, and records the addresses it was queried for.
struct FakeReader : PageReader {
    const char* name() const override { return "fake"; }
    PagesRead read_nodes(const Process&, std::uint64_t start, std::uint64_t stride,
                         std::span<int> nodes) override {
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            queried.insert(start + i * stride);
            nodes[i] = node_of(start + i * stride);
        }
        return {1, gone};
    }
    std::function<int(std::uint64_t address)> node_of = [](std::uint64_t) { return 0; };
    std::set<std::uint64_t> queried;
    bool gone = false;
};

class HeatByNode : public ::testing::Test {
  protected:
    static HeatTable table_of(const std::vector<RamRange>& ranges) {
        return HeatTable(ChunkGrid(ranges, chunk_bytes, max_heat_chunks));
    }
    const Process process = *Process::open(::getpid());
    FakeReader reader;
};

TEST_F(HeatByNode, WeightsTheBytesOfEachCellByTheirHeat) {
    HeatTable table = table_of({{base, 2 * chunk_bytes}, {2 * base, 2 * chunk_bytes}});
    table.merge(std::vector<std::int32_t>{max_level, 0, 0, max_level}, 13, false);
    reader.node_of = [](std::uint64_t address) { return address < 2 * base ? 4 : 1; };
    const std::vector<int> cell_of_range{7, 8};
    const auto heat = read_heat_by_cell(process, reader, table, cell_of_range, 0);
    constexpr auto one = static_cast<std::int64_t>(chunk_bytes);
    EXPECT_EQ(heat, (std::map<int, BytesByNode>{{7, {{4, one}}}, {8, {{1, one}}}}));
}

TEST_F(HeatByNode, IsEmptyForMemoryWithoutPagesAndForAProcessThatHasEnded) {
    HeatTable table = table_of({{base, 2 * chunk_bytes}});
    table.merge(std::vector<std::int32_t>{max_level, max_level}, 13, false);
    reader.node_of = [](std::uint64_t) { return -ENOENT; };
    EXPECT_TRUE(read_heat_by_cell(process, reader, table, std::vector<int>{0}, 0).empty());
    reader.node_of = [](std::uint64_t) { return 0; };
    reader.gone = true;
    EXPECT_TRUE(read_heat_by_cell(process, reader, table, std::vector<int>{0}, 0).empty());
}

TEST_F(HeatByNode, QueriesEveryChunkOfALargeGuestWithinAFewPasses) {
    constexpr std::size_t chunks = 3 * max_chunks_queried, step = 4;
    const HeatTable table = table_of({{base, chunks * chunk_bytes}});
    std::set<std::uint64_t> seen;
    for (std::uint64_t pass = 0; pass < step; ++pass) {
        reader.queried.clear();
        read_heat_by_cell(process, reader, table, std::vector<int>{0}, pass);
        EXPECT_LE(reader.queried.size(), max_chunks_queried);
        for (const std::uint64_t address : reader.queried)
            seen.insert((address - base) / chunk_bytes);
    }
    EXPECT_EQ(seen.size(), chunks);
}

TEST_F(HeatByNode, CountsAllBytesOfALargeGuestInEachPass) {
    constexpr std::size_t chunks = 3 * max_chunks_queried;
    HeatTable table = table_of({{base, chunks * chunk_bytes}});
    table.merge(std::vector<std::int32_t>(chunks, max_level), 13, false);
    for (const std::uint64_t pass : {0, 1, 2, 3, 1000}) {
        const auto heat = read_heat_by_cell(process, reader, table, std::vector<int>{0}, pass);
        EXPECT_EQ(heat.at(0).at(0), static_cast<std::int64_t>(chunks * chunk_bytes)) << pass;
    }
}

TEST_F(HeatByNode, SeparatesMemoryOfOneVcpuFromMemoryThatIsSharedWithinAnExtent) {
    HeatTable table = table_of({{base, 4 * chunk_bytes}});
    const AccessMatrix access_matrix(2, 4);
    for (int round = 0; round < 2; ++round) {
        table.record_faults(0, 1, 10, 0);
        table.record_faults(1, 1, 10, 0);
        table.record_faults(2, -1, 10, 0);
    }
    reader.node_of = [](std::uint64_t address) { return address < base + chunk_bytes ? 0 : 1; };
    const OwnedBytes owned = read_owned_bytes(process, reader, table, access_matrix, 5);
    constexpr auto one = static_cast<std::int64_t>(chunk_bytes);
    EXPECT_EQ(owned.by_vcpu, (std::map<int, BytesByNode>{{1, {{0, one}, {1, one}}}}));
    EXPECT_EQ(owned.shared, (std::map<std::size_t, BytesByNode>{{2, {{1, one}}}}));

    const std::vector<OwnRange> ranges = own_ranges(table, access_matrix);
    ASSERT_EQ(ranges.size(), 3U) << "each chunk is an extent of its own";
    EXPECT_EQ(ranges[1].vcpu, 1);
    EXPECT_EQ(ranges[1].memory, (RamRange{base + chunk_bytes, chunk_bytes}));
    EXPECT_EQ(ranges[2].vcpu, OwnRange::shared);
    EXPECT_EQ(ranges[2].extent, 2U);
}

}  // namespace
}  // namespace vnuma
