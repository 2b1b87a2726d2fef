// Values over time.
#include "src/ctl/plot/series.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace vnuma::ctl::plot {
namespace {

Series wave(std::size_t rows) {
    Series series;
    for (std::size_t row = 0; row < rows; ++row)
        add_row(series, static_cast<Millis>(row) * 1000, {static_cast<std::int64_t>(row % 7), 5});
    return series;
}

TEST(SeriesTest, AColumnThatIsNewHadNoValueBefore) {
    Series series;
    add_row(series, 1, {10});
    add_row(series, 2, {11, 20});
    add_row(series, 3, {12});
    EXPECT_EQ(series.columns[1], (Column{std::nullopt, 20, std::nullopt}));
}

TEST(SeriesTest, FewRowsStayAsTheyAre) {
    EXPECT_EQ(downsampled(wave(max_points)), wave(max_points));
}

TEST(SeriesTest, ManyRowsKeepTheirExtremesAndTheirEnds) {
    Series series = wave(50'000);
    series.columns[0][12'345] = 1'000;
    series.columns[1][33'333] = -1'000;
    const Series fewer = downsampled(series);
    EXPECT_LE(fewer.times.size(), max_points + 2);
    EXPECT_GT(fewer.times.size(), max_points / 4);
    EXPECT_EQ(fewer.times.front(), 0);
    EXPECT_EQ(fewer.times.back(), 49'999'000);
    EXPECT_TRUE(std::is_sorted(fewer.times.begin(), fewer.times.end()));
    EXPECT_NE(std::find(fewer.columns[0].begin(), fewer.columns[0].end(), 1'000),
              fewer.columns[0].end());
    EXPECT_NE(std::find(fewer.columns[1].begin(), fewer.columns[1].end(), -1'000),
              fewer.columns[1].end());
}

TEST(SeriesTest, GapsStay) {
    Series series = wave(3'000);
    add_gap(series, 3'000'000);
    for (int row = 1; row < 3'000; ++row)
        add_row(series, 3'000'000 + row * 1000, {1, 1});
    const Series fewer = downsampled(series);
    const auto gap = std::find(fewer.times.begin(), fewer.times.end(), 3'000'000);
    ASSERT_NE(gap, fewer.times.end());
    EXPECT_FALSE(fewer.columns[0][static_cast<std::size_t>(gap - fewer.times.begin())]);
}

TEST(SeriesTest, ManyColumnsAreBoundedToo) {
    Series series;
    for (int row = 0; row < 5'000; ++row)
        add_row(series, row, Column(65, row % 13));
    EXPECT_LE(downsampled(series).times.size(), max_points + 2);
}

TEST(SeriesTest, ItsEndIsWhatIsSinceATime) {
    const Series end = since(wave(10), 7'000);
    EXPECT_EQ(end.times, (std::vector<Millis>{7'000, 8'000, 9'000}));
    EXPECT_EQ(end.columns[0], (Column{0, 1, 2}));
    EXPECT_TRUE(since(wave(10), 99'000).times.empty());
    EXPECT_TRUE(downsampled({}).times.empty());
}

}  // namespace
}  // namespace vnuma::ctl::plot
