#include "integration/scenarios/around_scans.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace vnuma::lab {
namespace {

// Seconds with these accesses, and with stalls as long as their index. The number of finished scans
// grows by one in each of the seconds `ends`.
std::vector<TrackedSecond> seconds_of(const std::vector<double>& accesses,
                                      const std::vector<std::size_t>& ends) {
    std::vector<TrackedSecond> seconds;
    std::uint64_t scans = 0;
    for (std::size_t i = 0; i < accesses.size(); ++i) {
        scans += static_cast<std::uint64_t>(std::count(ends.begin(), ends.end(), i));
        seconds.push_back({accesses[i], static_cast<double>(i), scans});
    }
    return seconds;
}

using Values = std::vector<double>;

TEST(AroundScans, AScanIsTheSecondsUpToItsReportedEnd) {
    // The scans are in seconds 2 to 7 and 11 to 16. Seconds before and after may be part of others.
    const auto seconds = seconds_of(Values(20, 1), {7, 16});
    EXPECT_EQ(stalls_in(seconds, Moment::between), (Values{8, 9, 10}));
    EXPECT_EQ(stalls_in(seconds, Moment::beginning), (Values{2, 3, 11, 12}));
    EXPECT_EQ(stalls_in(seconds, Moment::middle), (Values{4, 5, 13, 14}));
    EXPECT_EQ(stalls_in(seconds, Moment::end), (Values{6, 7, 15, 16}));
}

TEST(AroundScans, ASecondInTwoScansIsTheEndOfTheFirst) {
    const auto seconds = seconds_of(Values(13, 1), {6, 11});
    EXPECT_EQ(stalls_in(seconds, Moment::end), (Values{5, 6, 10, 11}));
    EXPECT_TRUE(stalls_in(seconds, Moment::between).empty());
}

TEST(AroundScans, AnIncompleteScanIsIgnored) {
    const auto seconds = seconds_of(Values(10, 1), {4});
    for (const Moment moment : {Moment::between, Moment::beginning, Moment::middle, Moment::end})
        EXPECT_TRUE(stalls_in(seconds, moment).empty());
    EXPECT_TRUE(work_lost(seconds).empty());
    EXPECT_TRUE(work_lost({}).empty());
}

TEST(WorkLost, IsInSecondsOfTheUsualWorkBetweenScans) {
    Values accesses(20, 100);
    accesses[3] = 50;
    accesses[12] = 25;
    accesses[19] = 0;  // may be part of another scan
    EXPECT_EQ(work_lost(seconds_of(accesses, {7, 16})), (Values{0.5, 0.75}));
}

TEST(WorkLost, IsUnknownWithoutEnoughWorkBetweenScans) {
    EXPECT_TRUE(work_lost(seconds_of(Values(20, 100), {7, 15})).empty())
        << "only two seconds between scans";
    EXPECT_TRUE(work_lost(seconds_of(Values(20, 0), {7, 16})).empty());
    EXPECT_TRUE(work_lost(seconds_of(Values(20, 100), {7})).empty()) << "only one scan";
}

TEST(Percentile, IsTheLeastValueThatThisShareDoesNotExceed) {
    EXPECT_DOUBLE_EQ(percentile_of({3, 1, 2, 4}, 50), 2);
    EXPECT_DOUBLE_EQ(percentile_of({3, 1, 2, 4}, 90), 4);
    EXPECT_DOUBLE_EQ(percentile_of({3}, 1), 3);
    EXPECT_DOUBLE_EQ(percentile_of({}, 90), 0);
    EXPECT_DOUBLE_EQ(uncertainty_of({1, 3}), 1);
    EXPECT_DOUBLE_EQ(uncertainty_of({}), 0);
}

}  // namespace
}  // namespace vnuma::lab
