#include "guests/tracking/tracking_schedule.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

constexpr PageCount counted{.pages = 100, .took = 0ms, .cost = 0ms};

class TrackingScheduleTest : public testing::Test {
  protected:
    TrackingScheduleTest() {
        earn(10s);
        schedule.rounds().set_wanted(true, "");
    }

    // The guest uses one CPU for this time.
    void earn(std::chrono::seconds time) {
        schedule.budget().earn(now, run_time, 1);
        now += time;
        run_time += time;
        schedule.budget().earn(now, run_time, 1);
    }
    // As if a scan had begun: without a tracker its turn passes.
    void pass_scan() { schedule.scans().set_no_tracker("no tracker", now); }
    bool begin_round() {
        return schedule.rounds().take_turn(schedule.budget(), now) &&
               schedule.rounds().decide(counted, 1us, schedule.budget(), now) &&
               schedule.rounds().start({}, schedule.budget());
    }
    void run_two_rounds() {
        for (int i = 0; i < 2; ++i) {
            ASSERT_TRUE(begin_round());
            schedule.rounds().end({}, false);
        }
    }

    TrackingSettings settings;
    TrackingSchedule schedule{settings};
    std::chrono::steady_clock::time_point now{1000s};
    std::chrono::nanoseconds run_time = 10s;
};

TEST_F(TrackingScheduleTest, TheFirstScanRunsBesideTheFirstRounds) {
    EXPECT_TRUE(schedule.round_due(now));
    EXPECT_TRUE(schedule.scan_due(now));
}

TEST_F(TrackingScheduleTest, OfAScanAndARoundTheOneThatBeganLongerAgoGoesFirst) {
    run_two_rounds();
    now += 1s;
    pass_scan();
    now += 1min;
    EXPECT_TRUE(schedule.round_due(now));
    EXPECT_FALSE(schedule.scan_due(now));
    ASSERT_TRUE(begin_round());
    schedule.rounds().end({}, false);
    now += 1min;
    EXPECT_FALSE(schedule.round_due(now));
    EXPECT_TRUE(schedule.scan_due(now));
}

TEST_F(TrackingScheduleTest, WithoutRoundsAnObservationLastsAsLongAsOne) {
    schedule.begin_observation(now);
    EXPECT_FALSE(schedule.observation_over(now + 1999ms));
    EXPECT_TRUE(schedule.observation_over(now + 2s));
}

TEST_F(TrackingScheduleTest, AnObservationEndsWithItsRound) {
    ASSERT_TRUE(begin_round());
    schedule.begin_observation(now);
    EXPECT_FALSE(schedule.observation_over(now + 1s));
    schedule.rounds().charge({.reads = 100}, 1us, schedule.budget());
    EXPECT_TRUE(schedule.observation_over(now + 1s)) << "all pages have faulted";
}

TEST_F(TrackingScheduleTest, NodesAreReadWhenTheBudgetAllows) {
    EXPECT_FALSE(schedule.nodes_outdated());
    schedule.set_nodes_outdated();
    EXPECT_TRUE(schedule.nodes_outdated());
    EXPECT_TRUE(schedule.may_read_nodes(now));
    schedule.budget().charge(1h);
    EXPECT_FALSE(schedule.may_read_nodes(now));
}

TEST_F(TrackingScheduleTest, NodesAreReadAfterAMoveWhateverTheGuestOwes) {
    schedule.begin_reading_nodes(now);
    schedule.charge_reading_nodes(100ms);
    schedule.budget().charge(1h);
    schedule.set_memory_moved();
    EXPECT_FALSE(schedule.may_read_nodes(now + 9s)) << "it takes a hundredth of the time";
    EXPECT_TRUE(schedule.may_read_nodes(now + 10s));
    schedule.begin_reading_nodes(now + 10s);
    EXPECT_FALSE(schedule.nodes_outdated());
    EXPECT_FALSE(schedule.may_read_nodes(now + 20s));
}

}  // namespace
}  // namespace vnuma
