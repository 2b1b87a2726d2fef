#include "integration/scenarios/overhead.hpp"

#include <gtest/gtest.h>

namespace vnuma::lab {
namespace {

Phase work(double accesses) {
    Phase phase;
    phase.accesses_per_second = accesses;
    return phase;
}

TEST(Spread, IsTheMeanAndTheDeviationOfASample) {
    const Spread spread = spread_of({2, 4, 4, 4, 5, 5, 7, 9});
    EXPECT_DOUBLE_EQ(spread.mean, 5);
    EXPECT_NEAR(spread.deviation, 2.138, 0.001);
}

TEST(Spread, HasNoDeviationForOneValueAndIsZeroForNone) {
    EXPECT_DOUBLE_EQ(spread_of({3}).mean, 3);
    EXPECT_DOUBLE_EQ(spread_of({3}).deviation, 0);
    EXPECT_DOUBLE_EQ(spread_of({}).mean, 0);
}

TEST(Phases, AreSummedUpAsMeansAndDeviations) {
    const Phases all = sum_up({{100, 3, 0.5, 2, 1}, {200, 5, 1.5, 4, 0}});
    EXPECT_DOUBLE_EQ(all.accesses_per_second.mean, 150);
    EXPECT_DOUBLE_EQ(all.longest_stall_ms.mean, 4);
    EXPECT_NEAR(all.longest_stall_ms.deviation, 1.414, 0.001);
    EXPECT_DOUBLE_EQ(all.seconds_stall_ms.mean, 1);
    EXPECT_DOUBLE_EQ(all.daemon_ms_per_second.mean, 3);
    EXPECT_DOUBLE_EQ(all.kdamond_ms_per_second.mean, 0.5);
}

TEST(Phases, SecondsWithARoundAreLeftOut) {
    using Stalls = std::vector<double>;
    EXPECT_EQ(outside_rounds({10, 20, 900, 30, 40}, {"0", "0", "1", "1", "1"}),
              (Stalls{10, 30, 40}));
    EXPECT_EQ(outside_rounds({10, 20}, {"0", "0"}), (Stalls{10, 20}));
    EXPECT_TRUE(outside_rounds({10, 20}, {"0", "1"}).empty());
    EXPECT_TRUE(outside_rounds({}, {}).empty());
    EXPECT_DOUBLE_EQ(spread_of({}).mean, 0);
}

TEST(Loss, IsAShareOfTheWorkWithoutTracking) {
    const Loss loss = loss_of({work(100), work(100)}, {work(98), work(99)});
    EXPECT_DOUBLE_EQ(loss.percent, 1.5);
    EXPECT_NEAR(loss.uncertainty, 0.5, 0.001);
}

TEST(Loss, HasNoUncertaintyIfEachPairLosesTheSame) {
    const Loss loss = loss_of({work(100), work(300)}, {work(98), work(298)});
    EXPECT_DOUBLE_EQ(loss.percent, 1);
    EXPECT_DOUBLE_EQ(loss.uncertainty, 0);
}

TEST(Loss, IsZeroWithoutPairsOrWork) {
    EXPECT_DOUBLE_EQ(loss_of({}, {work(1)}).percent, 0);
    EXPECT_DOUBLE_EQ(loss_of({work(0)}, {work(1)}).percent, 0);
    EXPECT_DOUBLE_EQ(loss_of({work(1)}, {}).percent, 0);
}

}  // namespace
}  // namespace vnuma::lab
