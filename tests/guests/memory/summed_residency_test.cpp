#include "guests/memory/summed_residency.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

constexpr std::uint64_t mib = 1 << 20;

TEST(SumResidency, SumsOnlyMappingsInsideTheRanges) {
    const std::vector<RamRange> ranges{{1000 * mib, 512 * mib}};
    const Residency residency =
        sum_residency(ranges, {{900 * mib, "default", {{0, 7}}, 4096},
                               {1000 * mib, "default", {{0, 100}, {1, 50}}, 4096},
                               {1500 * mib, "default", {{1, 5}}, 4096},
                               {1512 * mib, "default", {{1, 9}}, 4096}});
    EXPECT_EQ(residency.bytes, (std::map<int, std::int64_t>{{0, 100}, {1, 55}}));
    EXPECT_TRUE(residency.bound_to.empty());
}

TEST(SumResidency, DoesNotOverflow) {
    std::vector<NumaMapping> mappings(10'000, {0, "default", {{0, max_mapped_bytes}}, 4096});
    mappings.push_back({0, "default", {{0, ~std::uint64_t{0} - max_mapped_bytes}}, 4096});
    EXPECT_EQ(sum_residency({{0, mib}}, mappings).bytes.at(0),
              static_cast<std::int64_t>(max_mapped_bytes));
}

Residency under_policies(const std::vector<std::string>& policies) {
    std::vector<NumaMapping> mappings;
    for (std::size_t i = 0; i < policies.size(); ++i)
        mappings.push_back({i, policies[i], {}, 4096});
    return sum_residency({{0, mib}}, mappings);
}

TEST(SumResidency, HasTheNodesThatAllBindingsPermit) {
    EXPECT_EQ(under_policies({"bind:0-1"}).bound_to, (std::vector<int>{0, 1}));
    EXPECT_EQ(under_policies({"bind=static:1"}).bound_to, (std::vector<int>{1}));
    EXPECT_TRUE(under_policies({"prefer:1", "default"}).bound_to.empty());
    EXPECT_EQ(under_policies({"bind:0-1", "default", "bind:1-2"}).bound_to, (std::vector<int>{1}));
    EXPECT_EQ(under_policies({"bind:0-1"}).forbidden, "");
}

TEST(SumResidency, APolicyThatPermitsNoHomeIsForbidden) {
    EXPECT_NE(under_policies({"interleave:0-1"}).forbidden, "");
    EXPECT_NE(under_policies({"bind:0", "bind:1"}).forbidden, "");
    EXPECT_NE(under_policies({"bind:what"}).forbidden, "");
}

TEST(PageBytes, AreThoseOfTheMappingThatBeginsTheRange) {
    const std::vector<NumaMapping> mappings{{0, "default", {}, 4096},
                                            {mib, "default", {}, 2 * mib}};
    EXPECT_EQ(page_bytes_of({mib, mib}, mappings), static_cast<std::int64_t>(2 * mib));
    EXPECT_EQ(page_bytes_of({0, mib}, mappings), 4096);
    EXPECT_EQ(page_bytes_of({2 * mib, mib}, mappings), 0);
}

}  // namespace
}  // namespace vnuma
