#include "guests/tracking/attribution/page_count.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

TEST(PageCount, CountsAHugePageOnce) {
    EXPECT_EQ(count_pages_of("Rss:     8192 kB\nAnonHugePages:   4096 kB\nShmemPmdMapped: 2048 kB\n"
                             "Private_Hugetlb: 6144 kB\n",
                             4096),
              512U + 3 + 3);
    EXPECT_EQ(count_pages_of("Rss: 0 kB\nPrivate_Hugetlb: 3145728 kB\n", 1 << 30), 3U);
}

TEST(PageCount, IsUnknownWithoutResidentMemory) {
    EXPECT_EQ(count_pages_of("", 4096), std::nullopt);
    EXPECT_EQ(count_pages_of("AnonHugePages: 4096 kB\n", 4096), std::nullopt);
}

TEST(PageCount, StaysWithinBoundsWhateverTheTextSays) {
    EXPECT_EQ(count_pages_of("Rss: 18446744073709551615 kB\n", 4096), std::uint64_t{1} << 38)
        << "more than any process has";
    EXPECT_EQ(count_pages_of("Rss: x kB\nAnonHugePages: 9 kB\n", 4096), 0U);
}

}  // namespace
}  // namespace vnuma
