#include "guests/model/huge_pages.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

constexpr std::int64_t mib = 1 << 20, gib = 1 << 30;

RamBlock small_pages() {
    return {};
}

RamBlock hugetlb(std::int64_t page_bytes) {
    RamBlock block;
    block.hugetlb = true;
    block.page_bytes = page_bytes;
    return block;
}

TEST(HugetlbPoolPageBytes, IsThatOfTheFirstBlockWithHugetlbPages) {
    EXPECT_EQ(hugetlb_pool_page_bytes({hugetlb(2 * mib)}), 2 * mib);
    EXPECT_EQ(hugetlb_pool_page_bytes({small_pages(), hugetlb(gib), hugetlb(2 * mib)}), gib);
}

TEST(HugetlbPoolPageBytes, IsZeroWithoutHugetlbPages) {
    EXPECT_EQ(hugetlb_pool_page_bytes({}), 0);
    EXPECT_EQ(hugetlb_pool_page_bytes({small_pages()}), 0);
}

}  // namespace
}  // namespace vnuma
