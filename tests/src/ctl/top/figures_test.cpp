#include "src/ctl/top/figures.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/src/ctl/top/sample.hpp"

namespace vnuma::ctl::top {
namespace {

TEST(TopFigures, SizesHaveAtMostFiveCharacters) {
    EXPECT_EQ(format_size(0), "0");
    EXPECT_EQ(format_size(-1), "0");
    EXPECT_EQ(format_size(4096), "4.0K");
    EXPECT_EQ(format_size(gib * 123 / 10), "12.3G");
    EXPECT_EQ(format_size(1023 * mib), "1.0G");
    EXPECT_EQ(format_size(std::numeric_limits<Bytes>::max()), "8.0E");
    for (Bytes bytes = 1; bytes > 0 && bytes < Bytes{1} << 61; bytes = bytes * 3 / 2 + 1)
        EXPECT_LE(format_size(bytes).size(), 5U) << bytes;
}

TEST(TopFigures, AHundredPercentIsAllOfIt) {
    EXPECT_EQ(format_share(999), "99%");
    EXPECT_EQ(format_share(1000), "100%");
    EXPECT_EQ(format_share(-5), "0%");
}

TEST(TopFigures, TimeLeftHasOneUnit) {
    EXPECT_EQ(format_time_left(3 * gib, gib / 4), "12s");
    EXPECT_EQ(format_time_left(3 * gib, mib), "51m");
    EXPECT_EQ(format_time_left(gib, 0), "");
    EXPECT_EQ(format_time_left(std::numeric_limits<Bytes>::max(), 1), ">99d");
}

TEST(TopFigures, AClockIsLocalAndNeverNegative) {
    EXPECT_EQ(format_clock(8'000'000, 0), "02:13:20");
    EXPECT_EQ(format_clock(8'000'000, 3600), "03:13:20");
    EXPECT_EQ(format_clock(0, -3600), "23:00:00");
}

TEST(TopFigures, NodesThatDoNotFitAreCounted) {
    const std::vector<control::NodeBytes> memory{{0, gib}, {1, 12 * gib}, {2, mib}, {3, 0}};
    EXPECT_EQ(format_by_node(memory, 40), "1:12.0G 0:1.0G 2:1.0M");
    EXPECT_EQ(format_by_node(memory, 17), "1:12.0G 0:1.0G +1");
    EXPECT_EQ(format_by_node(memory, 10), "1:12.0G +2");
    EXPECT_EQ(format_by_node({}, 10), "");
}

TEST(TopFigures, HomesAreAListOfNodes) {
    auto cells = make_guest("web", control::Doing::at_home, 0).cells;
    EXPECT_EQ(format_homes(cells), "0");
    cells.push_back(cells[0]);
    cells[1].home = 1;
    EXPECT_EQ(format_homes(cells), "0-1");
    cells[0].home.reset();
    EXPECT_EQ(format_homes(cells), "1,-");
    cells[0].reason = "split";
    EXPECT_EQ(format_homes(cells), "1") << "its shards have homes of their own";
    EXPECT_EQ(format_homes({}), "-");
}

}  // namespace
}  // namespace vnuma::ctl::top
