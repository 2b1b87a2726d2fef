#include "guests/tracking/scan_period.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = ScanPeriod::Time;

Time at(milliseconds since) {
    return Time(seconds(1000)) + since;
}

constexpr PeriodLimits limits{milliseconds(2000), milliseconds(60'000)};

TEST(Period, DoublesUpToTheLimitWhileScansAgree) {
    ScanPeriod period(limits);
    Time now = at(milliseconds(0));
    for (const int expected : {4, 8, 16, 32, 60, 60}) {
        period.begin(now);
        period.learn(1000, false);
        EXPECT_EQ(period.length(), seconds(expected));
        EXPECT_FALSE(period.due(now + seconds(expected) - milliseconds(1)));
        EXPECT_TRUE(period.due(now + seconds(expected)));
        now += seconds(expected);
    }
}

TEST(Period, DoublesWhileTheGuestIsWellPlaced) {
    ScanPeriod period(limits);
    period.begin(at(milliseconds(0)));
    period.learn(600, true);
    EXPECT_EQ(period.length(), seconds(4));
}

TEST(Period, StaysWhileScansNeitherAgreeNorDisagree) {
    ScanPeriod period(limits);
    period.begin(at(milliseconds(0)));
    period.learn(600, false);
    EXPECT_EQ(period.length(), seconds(2));
}

TEST(Period, IsTheShortestAfterAScanThatShowsAChange) {
    ScanPeriod period(limits);
    for (int i = 0; i < 5; ++i)
        period.learn(1000, true);
    period.begin(at(milliseconds(0)));
    period.learn(100, true);
    EXPECT_EQ(period.length(), seconds(2));
    EXPECT_TRUE(period.due(at(seconds(2))));
}

TEST(Period, IsTheShortestAfterARestart) {
    ScanPeriod period(limits);
    for (int i = 0; i < 5; ++i)
        period.learn(1000, true);
    period.begin(at(milliseconds(0)));
    period.restart();
    EXPECT_FALSE(period.due(at(milliseconds(1999))));
    EXPECT_TRUE(period.due(at(milliseconds(2000))));
}

}  // namespace
}  // namespace vnuma
