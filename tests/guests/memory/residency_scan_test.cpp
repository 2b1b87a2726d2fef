#include "guests/memory/residency_scan.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <set>

#include "guests/process/process.hpp"
#include "tests/guests/memory/test_memory.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t base = 0x7f0000000000;
constexpr std::uint64_t other = 0x7e0000000000;
using Bytes = std::map<int, std::int64_t>;

// The node of an address is given by a function. Remembers the addresses that were queried.
class FakeReader : public PageReader {
  public:
    explicit FakeReader(std::function<int(std::uint64_t)> node_at) : node_at_(std::move(node_at)) {}

    const char* name() const override { return "fake"; }
    PagesRead read_nodes(const Process&, std::uint64_t start, std::uint64_t stride,
                         std::span<int> nodes) override {
        if (gone) return {1, true};
        EXPECT_LE(nodes.size(), max_pages_per_read);
        EXPECT_GT(nodes.size(), 0U);
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            queried.push_back(start + i * stride);
            nodes[i] = node_at_(queried.back());
        }
        return {1, false};
    }
    std::vector<std::uint64_t> queried;
    bool gone = false;

  private:
    std::function<int(std::uint64_t)> node_at_;
};

int all_on_one(std::uint64_t) {
    return 1;
}

// Chunks alternate between node 0 and node 1. The first half of chunk 2 is on node 3.
int by_chunk(std::uint64_t address) {
    const std::uint64_t offset = address - base;
    if (offset >= 2 * chunk_bytes && offset < 2 * chunk_bytes + chunk_bytes / 2) return 3;
    return static_cast<int>(offset / chunk_bytes % 2);
}

class ResidencyScanTest : public testing::Test {
  protected:
    Process self = *Process::open(::getpid());
};

TEST_F(ResidencyScanTest, AFullScanReadsEveryPageOnce) {
    ResidencyScan scan({{{{base, 20 * chunk_bytes}}, {}}, {{{other, chunk_bytes + 8192}}, {}}});
    FakeReader reader([](std::uint64_t address) { return address < base ? 2 : by_chunk(address); });
    const ScanResult result = scan.scan_all(reader, self);
    EXPECT_EQ(result.pages, 21U * 512 + 2);
    EXPECT_EQ(result.calls, 4U);
    EXPECT_TRUE(result.pass_completed);
    EXPECT_EQ(scan.exact_passes(), 1U);
    EXPECT_EQ(std::set<std::uint64_t>(reader.queried.begin(), reader.queried.end()).size(),
              21U * 512 + 2);
    const auto chunk = static_cast<std::int64_t>(chunk_bytes);
    EXPECT_EQ(scan.cells()[0].bytes_by_node(),
              (Bytes{{0, 9 * chunk + chunk / 2}, {1, 10 * chunk}, {3, chunk / 2}}));
    EXPECT_EQ(scan.cells()[1].bytes_by_node(), (Bytes{{2, chunk + 8192}}));
    EXPECT_EQ(scan.cells()[0].at(2), (ChunkPages{0, 256, 3, 256, Knowledge::exact}));
    EXPECT_EQ(scan.cells()[0].count(Knowledge::none), 0U);
}

TEST_F(ResidencyScanTest, SlicesGoThroughAllCellsAgainAndAgain) {
    ResidencyScan scan({{{{base, 3 * chunk_bytes}}, {}}, {{}, {}}, {{{other, 4096}}, {}}});
    FakeReader reader(all_on_one);
    std::vector<std::uint64_t> pages;
    std::vector<bool> completed;
    for (int i = 0; i < 6; ++i) {
        const ScanResult result = scan.scan_slice(reader, self, 1024);
        pages.push_back(result.pages);
        completed.push_back(result.pass_completed);
    }
    EXPECT_EQ(pages, (std::vector<std::uint64_t>{1024, 513, 1024, 513, 1024, 513}));
    EXPECT_EQ(completed, (std::vector<bool>{false, true, false, true, false, true}));
    EXPECT_EQ(scan.exact_passes(), 3U);
    EXPECT_EQ(scan.cells()[2].bytes_by_node(), (Bytes{{1, 4096}}));
}

TEST_F(ResidencyScanTest, ALimitBelowOneChunkIsOneChunk) {
    ResidencyScan scan({{{{base, 2 * chunk_bytes}}, {}}});
    FakeReader reader(all_on_one);
    EXPECT_EQ(scan.scan_slice(reader, self, 0).pages, 512U);
    EXPECT_EQ(scan.cells()[0].count(Knowledge::none), 1U);
    EXPECT_EQ(scan.scan_slice(reader, self, 1).pages, 512U);
    EXPECT_EQ(scan.sample(reader, self, 0).pages, 1U);
}

TEST_F(ResidencyScanTest, AnyOtherLimitIsKept) {
    ResidencyScan scan({{{{base, 100 * chunk_bytes}, {other, 5 * chunk_bytes + 4096}}, {}}});
    for (const std::uint64_t limit : {513U, 1023U, 5000U, 9999U}) {
        FakeReader reader(all_on_one);
        for (bool completed = false; !completed;) {
            const ScanResult result = scan.scan_slice(reader, self, limit);
            EXPECT_LE(result.pages, limit);
            completed = result.pass_completed;
        }
        EXPECT_EQ(reader.queried.size(), 105U * 512 + 1);
    }
    EXPECT_EQ(scan.exact_passes(), 4U);
}

TEST_F(ResidencyScanTest, ASampleReadsOnePageOfEachChunk) {
    ResidencyScan scan({{{{base, 6000 * chunk_bytes}, {other, chunk_bytes + 8192}}, {}}});
    FakeReader reader(all_on_one);
    const ScanResult result = scan.sample(reader, self, 1000000);
    EXPECT_EQ(result.pages, 6002U);
    EXPECT_TRUE(result.pass_completed);
    EXPECT_EQ(scan.sampled_passes(), 1U);
    EXPECT_EQ(scan.exact_passes(), 0U);
    EXPECT_EQ(scan.cells()[0].count(Knowledge::none), 0U);
    EXPECT_EQ(scan.cells()[0].at(0), (ChunkPages{1, 512, 0, 0, Knowledge::sampled}));
    EXPECT_EQ(scan.cells()[0].at(6001), (ChunkPages{1, 2, 0, 0, Knowledge::sampled}));
    EXPECT_EQ(scan.cells()[0].bytes_by_node().at(1),
              static_cast<std::int64_t>(6001 * chunk_bytes + 8192));
}

TEST_F(ResidencyScanTest, ASampleWithALimitContinuesWhereItStopped) {
    ResidencyScan scan({{{{base, 10 * chunk_bytes}}, {}}});
    FakeReader reader(all_on_one);
    EXPECT_FALSE(scan.sample(reader, self, 4).pass_completed);
    EXPECT_FALSE(scan.sample(reader, self, 4).pass_completed);
    const ScanResult last = scan.sample(reader, self, 4);
    EXPECT_EQ(last.pages, 2U);
    EXPECT_TRUE(last.pass_completed);
    EXPECT_EQ(reader.queried.size(), 10U);
    EXPECT_EQ(reader.queried[9], base + 9 * chunk_bytes);
}

TEST_F(ResidencyScanTest, ASampleKeepsExactKnowledgeUnlessItContradicts) {
    ResidencyScan scan({{{{base, 4 * chunk_bytes}}, {}}});
    FakeReader before(by_chunk);
    scan.scan_all(before, self);
    const Bytes exact = scan.cells()[0].bytes_by_node();
    scan.sample(before, self, 100);
    EXPECT_EQ(scan.cells()[0].bytes_by_node(), exact);
    EXPECT_EQ(scan.cells()[0].at(2).knowledge, Knowledge::exact);
    FakeReader moved(all_on_one);
    scan.sample(moved, self, 100);
    EXPECT_EQ(scan.cells()[0].bytes_by_node(), (Bytes{{1, 4 * chunk_bytes}}));
    EXPECT_EQ(scan.cells()[0].at(1).knowledge, Knowledge::exact)
        << "this chunk was on node 1 before";
    EXPECT_EQ(scan.cells()[0].at(2).knowledge, Knowledge::sampled);
    FakeReader freed([](std::uint64_t) { return -1; });
    scan.sample(freed, self, 100);
    EXPECT_EQ(scan.cells()[0].bytes_by_node(), Bytes{});
}

TEST_F(ResidencyScanTest, EveryPageOfAChunkIsSampledIn512Passes) {
    ResidencyScan scan({{{{base, chunk_bytes + 5 * 4096}}, {}}});
    FakeReader reader(all_on_one);
    for (int pass = 0; pass < pages_in_chunk; ++pass)
        scan.sample(reader, self, 10);
    const std::set<std::uint64_t> pages(reader.queried.begin(), reader.queried.end());
    EXPECT_EQ(pages.size(), 517U);
    EXPECT_EQ(*pages.rbegin(), base + chunk_bytes + 4 * 4096);
    EXPECT_EQ(scan.sampled_passes(), 512U);
}

TEST_F(ResidencyScanTest, FewPassesOfSamplingReadPagesInAllPartsOfAChunk) {
    std::set<int> eighths;
    for (std::uint64_t pass = 0; pass < 13; ++pass)
        eighths.insert(sampled_page(pass) / 64);
    EXPECT_EQ(eighths.size(), 8U);
    EXPECT_EQ(sampled_page(3), sampled_page(3 + pages_in_chunk));
}

TEST_F(ResidencyScanTest, AHugePageIsReadOnce) {
    ResidencyScan scan({{{{base, 10 * chunk_bytes}, {other, chunk_bytes}}, {chunk_bytes}}});
    FakeReader reader(all_on_one);
    EXPECT_EQ(scan.scan_all(reader, self).pages, 10U + 512);
    EXPECT_EQ(scan.cells()[0].at(3), (ChunkPages{1, 512, 0, 0, Knowledge::exact}));
    EXPECT_EQ(scan.cells()[0].bytes_by_node().at(1), static_cast<std::int64_t>(11 * chunk_bytes));
}

TEST_F(ResidencyScanTest, PagesOfOtherSizesAreReadOnceOrAsSmallPages) {
    const auto pages_read = [&](std::uint64_t page_bytes) {
        ResidencyScan scan({{{{base, 4 * chunk_bytes}}, {page_bytes}}});
        FakeReader reader(all_on_one);
        const ScanResult result = scan.scan_all(reader, self);
        EXPECT_EQ(scan.cells()[0].bytes_by_node().at(1),
                  static_cast<std::int64_t>(4 * chunk_bytes));
        return result.pages;
    };
    EXPECT_EQ(pages_read(1 << 30), 4U);
    EXPECT_EQ(pages_read(64 * 1024), 128U);
    EXPECT_EQ(pages_read(0), 2048U);
    EXPECT_EQ(pages_read(1), 2048U);
    EXPECT_EQ(pages_read(12345), 2048U);
}

TEST_F(ResidencyScanTest, WhatIsKnownOfAProcessThatEndedIsKept) {
    ResidencyScan scan({{{{base, chunk_bytes}}, {}}});
    FakeReader reader(all_on_one);
    scan.scan_all(reader, self);
    reader.gone = true;
    const ScanResult result = scan.scan_all(reader, self);
    EXPECT_TRUE(result.gone);
    EXPECT_FALSE(result.pass_completed);
    EXPECT_EQ(scan.exact_passes(), 1U);
    EXPECT_EQ(scan.cells()[0].bytes_by_node().size(), 1U);
}

TEST_F(ResidencyScanTest, APassOverAGuestWithoutRamIsCompletedAtOnce) {
    ResidencyScan scan({});
    FakeReader reader(all_on_one);
    EXPECT_TRUE(scan.scan_all(reader, self).pass_completed);
    EXPECT_TRUE(scan.sample(reader, self, 10).pass_completed);
    EXPECT_EQ(reader.queried.size(), 0U);
}

TEST_F(ResidencyScanTest, APassContinuesAfterAChangeOfRanges) {
    ResidencyScan scan({{{{base, 4 * chunk_bytes}}, {}}});
    FakeReader reader(all_on_one);
    scan.scan_slice(reader, self, 1024);
    scan.change_cells({{{{base, 4 * chunk_bytes}, {other, chunk_bytes}}, {}}});
    EXPECT_EQ(scan.cells()[0].count(Knowledge::none), 3U);
    EXPECT_TRUE(scan.scan_slice(reader, self, 10000).pass_completed);
    EXPECT_EQ(scan.cells()[0].count(Knowledge::none), 0U);
    EXPECT_EQ(reader.queried.size(), 5U * 512);
}

TEST_F(ResidencyScanTest, APassEndsIfTheRamBehindItWasUnplugged) {
    ResidencyScan scan({{{{base, chunk_bytes}}, {}}, {{{other, chunk_bytes}}, {}}});
    FakeReader reader(all_on_one);
    scan.scan_slice(reader, self, 512);
    scan.change_cells({{{{base, chunk_bytes}}, {}}});
    EXPECT_TRUE(scan.scan_slice(reader, self, 512).pass_completed);
    EXPECT_EQ(scan.scan_slice(reader, self, 512).pages, 512U);
}

TEST_F(ResidencyScanTest, HoldsEightBytesForEachChunkOfALargeGuest) {
    const std::uint64_t chunks = 2 * 1024 * 1024;  // 4 TiB
    const ResidencyScan scan(
        {{{{base, chunks / 2 * chunk_bytes}}, {}}, {{{other, chunks / 2 * chunk_bytes}}, {}}});
    EXPECT_LE(scan.bytes_held(), 8 * chunks + 1024);
}

TEST_F(ResidencyScanTest, FindsTheNodeOfThisProcess) {
    TestMemory memory(5 * chunk_bytes, MADV_NOHUGEPAGE);
    const int node = nodes_with_memory().at(0);
    ASSERT_TRUE(memory.bind(node));
    memory.write(0, 1024);
    memory.write(2000, 10);
    ResidencyScan scan({{{{memory.address(), memory.size()}}, {}}});
    MovePagesReader reader;
    EXPECT_TRUE(scan.scan_all(reader, self).pass_completed);
    EXPECT_EQ(scan.cells()[0].bytes_by_node(), (Bytes{{node, 1034 * 4096}}));
    EXPECT_EQ(scan.cells()[0].at(3), (ChunkPages{node, 10, 0, 0, Knowledge::exact}));
}

}  // namespace
}  // namespace vnuma
