#include "guests/guest_memory.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

constexpr std::uint64_t mib = 1 << 20;

Mapping mapping(std::uint64_t start_mib, std::uint64_t size_mib, bool writable = true) {
    return {start_mib * mib, (start_mib + size_mib) * mib, writable, false, ""};
}

DomainCell cell(int id, std::int64_t size_mib) {
    return {id, {id}, size_mib * static_cast<std::int64_t>(mib)};
}

TEST(FindCellMemory, FindsTheBlockOfTheCellsSize) {
    const auto found = find_cell_memory(
        {cell(0, 512)}, {mapping(100, 16), mapping(1000, 512), mapping(1512, 1, false)});
    ASSERT_EQ(found[0].ranges.size(), 1U);
    EXPECT_EQ(found[0].ranges[0].start, 1000 * mib);
}

TEST(FindCellMemory, AnUnrelatedNeighbourIsNoPartOfTheBlock) {
    const auto found = find_cell_memory({cell(0, 512)}, {mapping(990, 10), mapping(1000, 512)});
    ASSERT_EQ(found[0].ranges.size(), 1U);
    EXPECT_EQ(found[0].ranges[0].start, 1000 * mib);
}

TEST(FindCellMemory, ABlockInSeveralMappingsIsOneBlock) {
    const auto found =
        find_cell_memory({cell(0, 512)}, {mapping(990, 10), mapping(1000, 500), mapping(1500, 12)});
    ASSERT_EQ(found[0].ranges.size(), 1U) << found[0].unknown;
    EXPECT_EQ(found[0].ranges[0].size, 512 * mib);
}

TEST(FindCellMemory, BlocksThatCannotBeToldApartAreNotGuessed) {
    const auto alike =
        find_cell_memory({cell(0, 256), cell(1, 256)}, {mapping(1000, 256), mapping(2000, 256)});
    EXPECT_NE(alike[0].unknown, "");
    EXPECT_NE(alike[1].unknown, "");
    EXPECT_NE(find_cell_memory({cell(0, 256)}, {mapping(1000, 256), mapping(2000, 256)})[0].unknown,
              "");
    EXPECT_NE(find_cell_memory({cell(0, 256)}, {mapping(1000, 255)})[0].unknown, "");
}

TEST(SumResidency, AddsUpMappingsInsideTheRangesOnly) {
    const std::vector<RamRange> ranges{{1000 * mib, 512 * mib}};
    const Residency residency =
        sum_residency(ranges, {{900 * mib, "default", {{0, 7}}, 4096},
                               {1000 * mib, "default", {{0, 100}, {1, 50}}, 4096},
                               {1500 * mib, "default", {{1, 5}}, 4096},
                               {1512 * mib, "default", {{1, 9}}, 4096}});
    EXPECT_EQ(residency.bytes, (std::map<int, std::int64_t>{{0, 100}, {1, 55}}));
    EXPECT_TRUE(residency.bound_to.empty());
}

Residency under_policies(const std::vector<std::string>& policies) {
    std::vector<NumaMapping> mappings;
    for (std::size_t i = 0; i < policies.size(); ++i)
        mappings.push_back({i, policies[i], {}, 4096});
    return sum_residency({{0, mib}}, mappings);
}

TEST(SumResidency, TellsTheNodesOfABinding) {
    EXPECT_EQ(under_policies({"bind:0-1"}).bound_to, (std::vector<int>{0, 1}));
    EXPECT_EQ(under_policies({"bind=static:1"}).bound_to, (std::vector<int>{1}));
    EXPECT_TRUE(under_policies({"prefer:1", "default"}).bound_to.empty());
    EXPECT_EQ(under_policies({"bind:0-1", "default", "bind:1-2"}).bound_to, (std::vector<int>{1}));
    EXPECT_EQ(under_policies({"bind:0-1"}).forbidden, "");
}

TEST(SumResidency, APolicyThatLeavesNoHomeIsForbidden) {
    EXPECT_NE(under_policies({"interleave:0-1"}).forbidden, "");
    EXPECT_NE(under_policies({"bind:0", "bind:1"}).forbidden, "");
    EXPECT_NE(under_policies({"bind:what"}).forbidden, "");
}

}  // namespace
}  // namespace vnuma
