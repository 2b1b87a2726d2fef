#include "guests/tracking/tracking_budget.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using Time = TrackingBudget::Time;

constexpr milliseconds minute{60'000};
constexpr int vcpus = 64;

Time at(milliseconds since) {
    return Time(seconds(1000)) + since;
}

// The budget of a guest that was first seen after `before` of run time, and used `used` in the next
// second.
TrackingBudget after_a_second(nanoseconds before, nanoseconds used, int overhead = 10) {
    TrackingBudget budget(overhead);
    budget.earn(at(milliseconds(0)), before, vcpus);
    budget.earn(at(milliseconds(1000)), before + used, vcpus);
    return budget;
}

TEST(Budget, IsAShareOfTheGuestsOwnRunTime) {
    EXPECT_EQ(after_a_second(seconds(5), milliseconds(400)).earned(), milliseconds(4));
    EXPECT_EQ(after_a_second(seconds(5), seconds(16), 50).earned(), milliseconds(800));
}

TEST(Budget, CpuTimeBeforeTheGuestWasSeenEarnsNothing) {
    TrackingBudget budget(10);
    budget.earn(at(milliseconds(0)), seconds(3600), vcpus);
    EXPECT_EQ(budget.earned(), nanoseconds(0));
    EXPECT_FALSE(budget.allows(nanoseconds(1), minute));
}

// As when the monitor did not answer at first, or one of the threads could not be read.
TEST(Budget, MoreCpuTimeThanTheVcpusCanHaveUsedEarnsNothing) {
    TrackingBudget budget(10);
    budget.earn(at(milliseconds(0)), seconds(0), 0);
    budget.earn(at(milliseconds(1000)), std::chrono::hours(100'000), 2);
    EXPECT_EQ(budget.earned(), milliseconds(20));
    EXPECT_EQ(budget.milli_cpu(), 2000);
}

TEST(Budget, AllowsNothingBeforeOneSecondOfRunTime) {
    EXPECT_FALSE(after_a_second(milliseconds(100), milliseconds(800)).allows({}, minute));
    EXPECT_TRUE(after_a_second(milliseconds(100), milliseconds(950)).allows({}, minute));
}

TEST(Budget, AllowsNothingForAnIdleGuest) {
    EXPECT_FALSE(after_a_second(seconds(100), milliseconds(49)).allows({}, minute));
    EXPECT_TRUE(after_a_second(seconds(100), milliseconds(50)).allows({}, minute));
}

TEST(Budget, CpuTimeThatWasSpentHasToBeEarnedFirst) {
    TrackingBudget budget = after_a_second(seconds(5), seconds(1));  // earned 10 ms
    EXPECT_TRUE(budget.allows(milliseconds(30), minute));
    budget.charge(milliseconds(30));
    EXPECT_EQ(budget.spent(), milliseconds(30));
    nanoseconds run = seconds(6);
    int waited = 0;
    while (!budget.allows(milliseconds(30), minute) && waited < 10)
        budget.earn(at(milliseconds(2000 + 1000 * waited++)), run += seconds(1), vcpus);
    EXPECT_EQ(waited, 2);
}

TEST(Budget, DoesNotAllowWhatCannotBeEarnedWithinTheLongestWait) {
    const TrackingBudget budget = after_a_second(seconds(5), seconds(1));  // 10 ms each second
    EXPECT_TRUE(budget.allows(milliseconds(600), minute));
    EXPECT_FALSE(budget.allows(milliseconds(601), minute));
}

TEST(Budget, SavingsPayForWhatCannotBeEarnedInTime) {
    TrackingBudget budget(10);
    nanoseconds run = seconds(2);
    for (int second = 0; second <= 600; ++second)
        budget.earn(at(milliseconds(1000 * second)), run += milliseconds(60), vcpus);
    EXPECT_TRUE(budget.allows(milliseconds(350), minute));
    EXPECT_FALSE(budget.allows(milliseconds(370), minute));
}

TEST(Budget, SavingsAreLimited) {
    TrackingBudget budget(10);
    for (int hour = 0; hour < 10; ++hour)
        budget.earn(at(minute * 60 * hour), seconds(3600 * 4 * hour), vcpus);
    budget.charge(most_saved * 10 / 1000);
    EXPECT_TRUE(budget.allows({}, minute));
    budget.charge(nanoseconds(1));
    EXPECT_FALSE(budget.allows({}, minute));
}

TEST(Budget, RunTimeThatDecreasesEarnsNothing) {
    TrackingBudget budget = after_a_second(seconds(5), seconds(1));
    budget.earn(at(milliseconds(2000)), seconds(2), vcpus);
    EXPECT_EQ(budget.earned(), milliseconds(10));
    EXPECT_FALSE(budget.allows({}, minute));
    budget.earn(at(milliseconds(3000)), seconds(3), vcpus);
    EXPECT_EQ(budget.earned(), milliseconds(20));
}

TEST(Budget, OfZeroAllowsNothingThatCosts) {
    const TrackingBudget budget = after_a_second(seconds(5), seconds(1), 0);
    EXPECT_FALSE(budget.allows(nanoseconds(1), minute));
}

}  // namespace
}  // namespace vnuma
