#include "guests/tracking/attribution/page_count.hpp"

#include <gtest/gtest.h>

#include "guests/process/process.hpp"
#include "tests/slow_file.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;

class PageCountingTest : public testing::Test {
  protected:
    PageCountingTest() {
        std::string stat = "7 (qemu) S 1";
        for (int field = 0; field < 50; ++field)
            stat += " 0";
        files.write("7/stat", stat);
        process =
            std::make_shared<const Process>(std::move(*Process::open_recorded(files.path("7"))));
    }
    static std::optional<std::uint64_t> wait_for(PageCounting& counting,
                                                 const std::shared_ptr<const Process>& process) {
        for (int i = 0; i < 1000; ++i)
            if (const auto count = counting.count(process, 4096)) return count->pages;
        return std::nullopt;
    }

    const test::TemporaryDirectory files;
    std::shared_ptr<const Process> process;
};

TEST_F(PageCountingTest, GoesOnUntilItIsThere) {
    PageCounting counting(20ms);
    const test::SlowFile file(files.path("7/smaps_rollup"));  // ends first: its reader is let go
    EXPECT_FALSE(counting.count(process, 4096));
    EXPECT_FALSE(counting.count(process, 4096));
    file.give("Rss: 20 kB\n");
    EXPECT_EQ(wait_for(counting, process), 5U);
}

TEST_F(PageCountingTest, WhatIsTooOldIsNotUsed) {
    files.write("7/smaps_rollup", "Rss: 20 kB\n");
    PageCounting fresh(20ms), old(20ms, -1h);  // as if each had ended an hour ago
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(old.count(process, 4096));
    EXPECT_EQ(wait_for(fresh, process), 5U);
}

TEST(PagesToFault, CountsAHugePageOnce) {
    EXPECT_EQ(count_pages_of("Rss:     8192 kB\nAnonHugePages:   4096 kB\nShmemPmdMapped: 2048 kB\n"
                             "Private_Hugetlb: 6144 kB\n",
                             4096),
              512U + 3 + 3);
    EXPECT_EQ(count_pages_of("Rss: 0 kB\nPrivate_Hugetlb: 3145728 kB\n", 1 << 30), 3U);
    EXPECT_EQ(count_pages_of("", 4096), std::nullopt);
    EXPECT_EQ(count_pages_of("Rss: 18446744073709551615 kB\n", 4096), std::uint64_t{1} << 38)
        << "more than any process has";
    EXPECT_EQ(count_pages_of("Rss: x kB\nAnonHugePages: 9 kB\n", 4096), 0U);
}

}  // namespace
}  // namespace vnuma
