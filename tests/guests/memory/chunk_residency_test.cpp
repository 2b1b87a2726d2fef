#include "guests/memory/chunk_residency.hpp"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>

namespace vnuma {
namespace {

constexpr std::uint64_t base = 0x7f0000000000;

using Bytes = std::map<int, std::int64_t>;

ChunkPages on(int node, int pages = pages_in_chunk) {
    return {node, pages, 0, 0, Knowledge::exact};
}

TEST(CountPages, AChunkOnOneNodeHasNoOtherPages) {
    const std::vector<int> nodes(pages_in_chunk, 3);
    EXPECT_EQ(count_pages(nodes, 1, Knowledge::exact),
              (ChunkPages{3, 512, 0, 0, Knowledge::exact}));
}

TEST(CountPages, TheNodeWithMorePagesComesFirst) {
    std::vector<int> nodes(pages_in_chunk, 0);
    std::fill(nodes.begin() + 100, nodes.end(), 1);
    EXPECT_EQ(count_pages(nodes, 1, Knowledge::exact),
              (ChunkPages{1, 412, 0, 100, Knowledge::exact}));
}

TEST(CountPages, OfTwoEqualNodesTheLowerNumberComesFirst) {
    std::vector<int> nodes(pages_in_chunk, 5);
    std::fill(nodes.begin() + 256, nodes.end(), 2);
    EXPECT_EQ(count_pages(nodes, 1, Knowledge::exact),
              (ChunkPages{2, 256, 5, 256, Knowledge::exact}));
}

TEST(CountPages, PagesOfAThirdNodeCountForTheSecond) {
    const std::vector<int> nodes{7, 0, 7, 1, 7, 1};
    EXPECT_EQ(count_pages(nodes, 1, Knowledge::exact), (ChunkPages{7, 3, 1, 3, Knowledge::exact}));
}

TEST(CountPages, PagesThatAreNotInMemoryAreNotCounted) {
    EXPECT_EQ(count_pages(std::vector<int>{-2, 4, -14, -2, 4}, 1, Knowledge::exact),
              (ChunkPages{4, 2, 0, 0, Knowledge::exact}));
    EXPECT_EQ(count_pages(std::vector<int>(512, -14), 1, Knowledge::exact),
              (ChunkPages{0, 0, 0, 0, Knowledge::exact}));
    EXPECT_EQ(count_pages({}, 1, Knowledge::exact), (ChunkPages{0, 0, 0, 0, Knowledge::exact}));
}

TEST(CountPages, NumbersAboveTheHighestNodeAreNotCounted) {
    EXPECT_EQ(count_pages(std::vector<int>{max_node_id + 1, max_node_id}, 1, Knowledge::exact),
              (ChunkPages{max_node_id, 1, 0, 0, Knowledge::exact}));
}

TEST(CountPages, AQueriedPageCountsForAllPagesItRepresents) {
    EXPECT_EQ(count_pages(std::vector<int>{1}, 512, Knowledge::sampled),
              (ChunkPages{1, 512, 0, 0, Knowledge::sampled}));
    EXPECT_EQ(count_pages(std::vector<int>{1, 0, 1}, 16, Knowledge::exact),
              (ChunkPages{1, 32, 0, 16, Knowledge::exact}));
}

TEST(CountPages, CountsAChunkThatIsOn512Nodes) {
    std::vector<int> nodes;
    for (int i = 0; i < pages_in_chunk; ++i)
        nodes.push_back(i);
    EXPECT_EQ(count_pages(nodes, 1, Knowledge::exact),
              (ChunkPages{0, 1, 1, 511, Knowledge::exact}));
}

TEST(ChunkResidency, EveryRangeBeginsAChunkAndMayEndInAShorterOne) {
    const ChunkResidency residency(
        {{base, 3 * chunk_bytes}, {base * 2, 0}, {base * 2, chunk_bytes + 8192}});
    ASSERT_EQ(residency.size(), 5U);
    EXPECT_EQ(residency.count(Knowledge::none), 5U);
    EXPECT_EQ(residency.grid().rest_of_range(1).address, base + chunk_bytes);
    EXPECT_EQ(residency.grid().rest_of_range(1).bytes, 2 * chunk_bytes);
    EXPECT_EQ(residency.grid().rest_of_range(3).range, 2U);
    EXPECT_EQ(residency.grid().rest_of_range(3).address, base * 2);
    EXPECT_EQ(residency.grid().rest_of_range(4).bytes, 8192U);
}

TEST(ChunkResidency, WithoutRangesThereAreNoChunks) {
    EXPECT_EQ(ChunkResidency().size(), 0U);
    EXPECT_EQ(ChunkResidency(std::vector<RamRange>{}).bytes_by_node(), Bytes());
}

TEST(ChunkResidency, ThrowsBeyondTheLimitsOfACell) {
    EXPECT_THROW(ChunkResidency({{0, (max_chunks + 1) * chunk_bytes}}), std::length_error);
    EXPECT_THROW(ChunkResidency({{0, ~std::uint64_t{0}}, {0, ~std::uint64_t{0}}}),
                 std::length_error);
    EXPECT_THROW(ChunkResidency({{~std::uint64_t{0} - 4096, 8192}}), std::length_error);
}

TEST(ChunkResidency, StoresTheHighestNodeNumbers) {
    ChunkResidency residency({{base, chunk_bytes}});
    const ChunkPages pages{max_node_id, 511, 1022, 1, Knowledge::sampled};
    residency.store(0, pages);
    EXPECT_EQ(residency.at(0), pages);
    EXPECT_EQ(residency.bytes_by_node(), (Bytes{{1022, 4096}, {max_node_id, 511 * 4096}}));
}

TEST(ChunkResidency, HoldsEightBytesForAChunk) {
    const ChunkResidency residency({{base, 1024 * chunk_bytes}});
    EXPECT_LE(residency.bytes_held(), 1024U * 8 + 1024);
}

TEST(ChunkResidency, AStoreReplacesWhatWasKnown) {
    ChunkResidency residency({{base, 2 * chunk_bytes}});
    residency.store(0, on(0));
    residency.store(1, {0, 300, 1, 212, Knowledge::exact});
    EXPECT_EQ(residency.bytes_by_node(), (Bytes{{0, 812 * 4096}, {1, 212 * 4096}}));
    EXPECT_EQ(residency.count(Knowledge::none), 0U);
    residency.store(0, on(1));
    residency.store(1, on(1));
    EXPECT_EQ(residency.bytes_by_node(), (Bytes{{1, 1024 * 4096}}));
    residency.store(0, {});
    EXPECT_EQ(residency.count(Knowledge::none), 1U);
}

// The totals that store() keeps equal a sum over all chunks.
TEST(ChunkResidency, TotalsEqualTheSumOfAllChunksAfterAnyStores) {
    std::mt19937 random(20240611);
    const auto pick = [&](int below) {
        return std::uniform_int_distribution<int>(0, below - 1)(random);
    };
    for (int round = 0; round < 20; ++round) {
        ChunkResidency residency({{base, (20U + round) * chunk_bytes}, {2 * base, 5 * 4096}});
        std::vector<ChunkPages> model(residency.size());
        for (int step = 0; step < 500; ++step) {
            std::vector<int> nodes;
            const int kinds = 1 + pick(4), pages = 1 + pick(pages_in_chunk);
            for (int i = 0; i < pages; ++i)
                nodes.push_back(pick(kinds) == 0 ? -2 : pick(kinds) * 341);
            const auto chunk = static_cast<std::size_t>(pick(static_cast<int>(residency.size())));
            model[chunk] = count_pages(nodes, 1, static_cast<Knowledge>(pick(3)));
            residency.store(chunk, model[chunk]);
        }
        Bytes bytes;
        std::size_t unknown = 0;
        for (std::size_t i = 0; i < model.size(); ++i) {
            EXPECT_EQ(residency.at(i), model[i]);
            if (model[i].pages > 0) bytes[model[i].node] += model[i].pages * 4096;
            if (model[i].other_pages > 0) bytes[model[i].other_node] += model[i].other_pages * 4096;
            if (model[i].knowledge == Knowledge::none) ++unknown;
        }
        EXPECT_EQ(residency.bytes_by_node(), bytes);
        EXPECT_EQ(residency.count(Knowledge::none), unknown);
    }
}

class ChangeRanges : public testing::Test {
  protected:
    ChangeRanges() : residency({{base, 2 * chunk_bytes}, {2 * base, chunk_bytes + 4096}}) {
        residency.store(0, on(0));
        residency.store(1, on(1));
        residency.store(2, on(2));
        residency.store(3, on(3, 1));
    }
    ChunkResidency residency;
};

TEST_F(ChangeRanges, UnchangedChunksAreKeptAndNewOnesAreUnknown) {
    residency.change_ranges({{base * 3, chunk_bytes}, {2 * base, chunk_bytes + 4096}});
    ASSERT_EQ(residency.size(), 3U);
    EXPECT_EQ(residency.at(0), ChunkPages());
    EXPECT_EQ(residency.at(1), on(2));
    EXPECT_EQ(residency.at(2), on(3, 1));
    EXPECT_EQ(residency.bytes_by_node(), (Bytes{{2, 512 * 4096}, {3, 4096}}));
    EXPECT_EQ(residency.count(Knowledge::none), 1U);
}

TEST_F(ChangeRanges, ARangeThatGrewKeepsItsWholeChunks) {
    residency.change_ranges({{base, 4 * chunk_bytes}, {2 * base, 2 * chunk_bytes}});
    ASSERT_EQ(residency.size(), 6U);
    EXPECT_EQ(residency.at(1), on(1));
    EXPECT_EQ(residency.at(4), on(2));
    EXPECT_EQ(residency.at(5), ChunkPages()) << "the last chunk of the range was shorter";
    EXPECT_EQ(residency.count(Knowledge::none), 3U);
}

TEST_F(ChangeRanges, ARangeThatLostItsMiddleKeepsBothEnds) {
    ChunkResidency whole({{base, 3 * chunk_bytes}});
    for (int i = 0; i < 3; ++i)
        whole.store(static_cast<std::size_t>(i), on(i));
    whole.change_ranges({{base, chunk_bytes}, {base + 2 * chunk_bytes, chunk_bytes}});
    EXPECT_EQ(whole.at(0), on(0));
    EXPECT_EQ(whole.at(1), on(2));
}

TEST_F(ChangeRanges, ChunksWithOtherBoundsAreUnknown) {
    residency.change_ranges({{base + 4096, 2 * chunk_bytes}});
    EXPECT_EQ(residency.count(Knowledge::none), 2U);
    EXPECT_EQ(residency.bytes_by_node(), Bytes());
}

TEST_F(ChangeRanges, TheSameRangesChangeNothing) {
    residency.change_ranges({{base, 2 * chunk_bytes}, {2 * base, chunk_bytes + 4096}});
    EXPECT_EQ(residency.at(3), on(3, 1));
    EXPECT_EQ(residency.count(Knowledge::none), 0U);
    residency.change_ranges({});
    EXPECT_EQ(residency.size(), 0U);
}

}  // namespace
}  // namespace vnuma
