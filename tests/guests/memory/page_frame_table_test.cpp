#include "guests/memory/page_frame_table.hpp"

#include <gtest/gtest.h>

#include <random>

#include "guests/process/files.hpp"

namespace vnuma {
namespace {

std::string golden(const std::string& file) {
    return read_small_file(VNUMA_GOLDEN "/" + file).value_or("");
}

std::optional<PageFrameTable> parse(std::string_view text) {
    std::string why;
    auto table = parse_zoneinfo(text, why);
    EXPECT_EQ(table.has_value(), why.empty()) << why;
    return table;
}

TEST(ParseZoneinfo, ReadsAHostOfOneNode) {
    const auto table = parse(golden("native/zoneinfo"));
    ASSERT_TRUE(table);
    EXPECT_EQ(table->node_of(1), 0);
    EXPECT_EQ(table->node_of(4096 + 1044480 - 1), 0);
    EXPECT_EQ(table->node_of(1048576 + 5505024 - 1), 0);
    EXPECT_EQ(table->node_of(1048576 + 5505024), -1);
    EXPECT_EQ(table->ranges().size(), 1U) << "its zones are adjacent";
}

TEST(ParseZoneinfo, ReadsAHostOfTwoNodes) {
    const auto table = parse(golden("lab/zoneinfo"));
    ASSERT_TRUE(table);
    EXPECT_EQ(table->node_of(0), -1);
    EXPECT_EQ(table->node_of(4096 + 520160 - 1), 0);
    EXPECT_EQ(table->node_of(4096 + 520160), -1) << "between the memory of the nodes";
    EXPECT_EQ(table->node_of(1048576), 1);
    EXPECT_EQ(table->node_of(1048576 + 524288 - 1), 1);
    EXPECT_EQ(table->node_of(1048576 + 524288), -1);
    EXPECT_EQ(table->node_of(~std::uint64_t{0}), -1);
}

std::string zone(int node, std::uint64_t start, std::uint64_t spanned, std::uint64_t present) {
    return "Node " + std::to_string(node) +
           ", zone   Normal\n  pages free     1\n        spanned  " + std::to_string(spanned) +
           "\n        present  " + std::to_string(present) +
           "\n  start_pfn:           " + std::to_string(start) + "\n";
}

TEST(ParseZoneinfo, NodesWhoseSpansOverlapGiveNoTable) {
    std::string why;
    EXPECT_FALSE(parse_zoneinfo(zone(0, 4096, 8192, 4096) + zone(1, 8192, 4096, 4096), why));
    EXPECT_NE(why.find("overlap"), std::string::npos) << why;
}

TEST(ParseZoneinfo, AZoneWithoutPagesOverlapsNothing) {
    const auto table = parse(zone(0, 4096, 8192, 8192) + zone(1, 4096, 8192, 0));
    ASSERT_TRUE(table);
    EXPECT_EQ(table->node_of(5000), 0);
}

TEST(ParseZoneinfo, ZonesOfOneNodeMayOverlapAndBeInAnyOrder) {
    const auto table =
        parse(zone(1, 9000, 1000, 9) + zone(0, 4096, 4096, 9) + zone(0, 5000, 10, 9));
    ASSERT_TRUE(table);
    EXPECT_EQ(table->node_of(8191), 0);
    EXPECT_EQ(table->node_of(8192), -1);
    EXPECT_EQ(table->node_of(9999), 1);
}

TEST(ParseZoneinfo, OtherTextsGiveNoTable) {
    std::string why;
    for (const char* text : {"", "\n\n", "Node", "Node ", "Node 0, zone", "Node x, zone Normal",
                             "Node 4096, zone Normal\n spanned 1\n present 1\n start_pfn: 1\n",
                             "start_pfn: 1\nspanned 5\npresent 5\n"})
        EXPECT_FALSE(parse_zoneinfo(text, why)) << text;
    EXPECT_FALSE(parse_zoneinfo(zone(0, ~std::uint64_t{0}, 2, 2), why));
    EXPECT_FALSE(parse_zoneinfo(zone(0, 1, ~std::uint64_t{0}, 2), why));
}

TEST(ParseZoneinfo, DamagedTextGivesATableOrAReason) {
    std::mt19937 random(7);
    const std::string whole = golden("lab/zoneinfo");
    ASSERT_FALSE(whole.empty());
    for (int round = 0; round < 500; ++round) {
        std::string text = whole.substr(0, random() % whole.size());
        for (int i = 0; i < 20 && !text.empty(); ++i)
            text[random() % text.size()] = static_cast<char>(random());
        std::string why;
        const auto table = parse_zoneinfo(text, why);
        EXPECT_TRUE(table || !why.empty());
    }
}

TEST(FromMemoryBlocks, HasTheMemoryOfInterleavedNodes) {
    std::string why;
    // Blocks have 128 MiB. Node 0 has blocks 0, 1 and 4, node 1 has block 2.
    const auto table = from_memory_blocks(0x8000000, {{4, 0}, {2, 1}, {0, 0}, {1, 0}}, why);
    ASSERT_TRUE(table) << why;
    EXPECT_EQ(table->node_of(0), -1) << "the number that pagemap shows if it hides numbers";
    EXPECT_EQ(table->node_of(2 * 32768 - 1), 0);
    EXPECT_EQ(table->node_of(2 * 32768), 1);
    EXPECT_EQ(table->node_of(3 * 32768), -1);
    EXPECT_EQ(table->node_of(4 * 32768), 0);
}

TEST(FromMemoryBlocks, ABlockOfTwoNodesAndInvalidBlocksGiveNoTable) {
    std::string why;
    EXPECT_FALSE(from_memory_blocks(0x8000000, {{1, 0}, {1, 1}}, why));
    EXPECT_NE(why, "");
    EXPECT_FALSE(from_memory_blocks(0, {{1, 0}}, why));
    EXPECT_FALSE(from_memory_blocks(~std::uint64_t{0}, {{~std::uint64_t{0}, 0}}, why));
    EXPECT_FALSE(from_memory_blocks(0x8000000, {{1, -1}}, why));
    EXPECT_FALSE(from_memory_blocks(0x8000000, {}, why));
}

TEST(PageFrameTable, RemovedPageFramesAreOnNoNode) {
    std::string why;
    auto table = PageFrameTable::make({{100, 100, 0}, {200, 100, 1}}, why);
    ASSERT_TRUE(table);
    table->remove(150, 1);
    table->remove(190, 20);
    EXPECT_EQ(table->node_of(149), 0);
    EXPECT_EQ(table->node_of(150), -1);
    EXPECT_EQ(table->node_of(151), 0);
    EXPECT_EQ(table->node_of(190), -1);
    EXPECT_EQ(table->node_of(209), -1);
    EXPECT_EQ(table->node_of(210), 1);
    table->remove(0, 1000);
    EXPECT_TRUE(table->ranges().empty());
}

}  // namespace
}  // namespace vnuma
