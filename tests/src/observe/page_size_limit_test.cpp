#include "src/observe/page_size_limit.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

constexpr Bytes gib = 1024 * mib;

TEST(PageSizeLimit, APageThatTakesMoreThanFourTimesTheCallTimeIsNotMoved) {
    EXPECT_EQ(why_page_too_large(4096, 1ms), "");
    EXPECT_EQ(why_page_too_large(2 * mib, 1ms), "");
    EXPECT_EQ(why_page_too_large(gib, 10ms),
              "a page of 1024 MiB is moved in one call of about 1000 ms, and memory.call_time "
              "allows 40 ms");
    EXPECT_NE(why_page_too_large(gib, 249ms), "");
    EXPECT_EQ(why_page_too_large(gib, 250ms), "");
}

Sample sample_with(Bytes small, Bytes large) {
    Sample sample;
    CellSample& cell = sample.guests.emplace_back().cells.emplace_back();
    cell.blocks.resize(2);
    cell.blocks[0].host = {0, static_cast<std::uint64_t>(small)};
    cell.blocks[1].host = {1U << 30, static_cast<std::uint64_t>(large)};
    cell.blocks[1].hugetlb = true;
    cell.blocks[1].page_bytes = gib;
    return sample;
}

std::string marked(Sample sample, std::chrono::milliseconds call_time) {
    mark_large_pages(sample, call_time);
    return sample.guests[0].immovable;
}

TEST(PageSizeLimit, AGuestOfMostlySuchPagesIsImmovable) {
    EXPECT_EQ(marked(sample_with(gib, gib), 10ms), why_page_too_large(gib, 10ms));
    EXPECT_EQ(marked(sample_with(gib, gib), 250ms), "");
    EXPECT_EQ(marked(sample_with(3 * gib, gib), 10ms), "") << "most of it can move";
    EXPECT_EQ(marked(sample_with(gib, 0), 10ms), "");
    Sample locked = sample_with(0, gib);
    locked.guests[0].immovable = "its memory is locked";
    EXPECT_EQ(marked(locked, 10ms), "its memory is locked");
}

}  // namespace
}  // namespace vnuma
