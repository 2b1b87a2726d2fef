#include "guests/tracking/soft_dirty/written_pages.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/pagemap.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t present = pagemap_present;
constexpr std::uint64_t written = pagemap_present | pagemap_soft_dirty;

TEST(CountWritten, CountsPresentPages) {
    const std::vector<std::uint64_t> entries{present, written, 0, pagemap_soft_dirty, written};
    EXPECT_EQ(count_written(entries), (WrittenPages{3, 2, 3}));
    EXPECT_EQ(count_written({}), WrittenPages{});
}

TEST(CountWritten, AHugePageIsOneMapping) {
    std::vector<std::uint64_t> entries(pages_in_chunk);
    for (std::size_t i = 0; i < entries.size(); ++i)
        entries[i] = present | (1024 + i);
    EXPECT_EQ(count_written(entries), (WrittenPages{512, 0, 1}));
    entries[7] ^= 1;
    EXPECT_EQ(count_written(entries).mappings, 512U) << "the pages are in another order";
    for (std::uint64_t& entry : entries)
        entry = present;
    EXPECT_EQ(count_written(entries).mappings, 512U) << "page frame numbers are hidden";
}

TEST(LevelOf, IsTheShareOfPagesThatWereWritten) {
    EXPECT_EQ(level_of({}), 0);
    EXPECT_EQ(level_of({512, 0, 512}), 0);
    EXPECT_EQ(level_of({512, 512, 512}), max_level);
    EXPECT_EQ(level_of({512, 256, 512}), 32768);
    EXPECT_EQ(level_of({std::uint64_t{1} << 40, 1, 1}), 1)
        << "one written page gives a level above 0";
}

}  // namespace
}  // namespace vnuma
