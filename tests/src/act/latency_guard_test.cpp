#include "src/act/latency_guard.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using Pace = LatencyGuard::Pace;

// A guest that runs for one second of CPU time in each second, and may feel 1 % of that.
class LatencyGuardTest : public ::testing::Test {
  protected:
    LatencyGuardTest() {
        look(0ms);
        look(0ms);
    }

    // A second without moves, in which it waits so long.
    void look(std::chrono::nanoseconds wait, std::chrono::nanoseconds run = 1s) {
        pass(1s, wait, run);
        guard.add_look(reading);
    }
    // A second of moves, in readings of 100 ms.
    void move(std::chrono::nanoseconds wait, std::chrono::nanoseconds run = 1s) {
        if (guard.is_due(reading.time)) guard.add_moving(reading);
        for (int i = 0; i < 10; ++i) {
            pass(100ms, wait / 10, run / 10);
            ASSERT_TRUE(guard.is_due(reading.time));
            guard.add_moving(reading);
            if (pace() == Pace::paused || pace() == Pace::stays) return;
        }
    }
    void pass(std::chrono::nanoseconds time, std::chrono::nanoseconds wait,
              std::chrono::nanoseconds run) {
        reading.time += time;
        reading.wait += wait;
        reading.run += run;
    }
    Pace pace() const { return guard.pace(reading.time); }

    LatencyGuard guard{10};
    LatencyGuard::Reading reading{LatencyGuard::Time(1000s)};
};

TEST_F(LatencyGuardTest, AMoveThatIsNotFeltHasFullPace) {
    for (int i = 0; i < 20; ++i) {
        move(20ms);
        ASSERT_EQ(pace(), Pace::full) << i;
    }
    EXPECT_EQ(guard.describe(reading.time), "");
}

TEST_F(LatencyGuardTest, EachWindowThatIsFeltHalvesThePaceAndEachOtherOneDoublesIt) {
    for (const int slowdown : {2, 4, 8}) {
        move(30ms);
        EXPECT_EQ(pace(), Pace::slower);
        EXPECT_EQ(guard.slowdown(), slowdown);
    }
    EXPECT_EQ(guard.describe(reading.time),
              "its vCPUs wait 30 ms a second longer while its memory moves, so the move is 8 times "
              "slower");
    for (const int slowdown : {4, 2, 1, 1}) {
        move(10ms);
        EXPECT_EQ(guard.slowdown(), slowdown);
    }
    EXPECT_EQ(pace(), Pace::full);
}

TEST_F(LatencyGuardTest, WhatItWaitedBeforeIsNotFelt) {
    look(100ms);
    for (int i = 0; i < 6; ++i)
        look(0ms);
    move(119ms);
    EXPECT_EQ(pace(), Pace::full) << "the worst of the last looks counts";
    move(130ms);
    EXPECT_EQ(pace(), Pace::slower);
    guard.finish();
    for (std::size_t i = 0; i < LatencyGuard::looks_remembered + 1; ++i)
        look(0ms);
    move(30ms);
    EXPECT_EQ(pace(), Pace::slower) << "it is forgotten in the end";
}

TEST_F(LatencyGuardTest, WaitingForPagesIsFeltLikeWaitingForACpu) {
    reading.usually_stalled = 100;
    move(0ms);
    reading.stalled = 5s;  // vCPUs that have ended their wait since
    for (const auto stalled : {119ms, 130ms}) {
        guard.end_moving();
        guard.add_moving(reading);
        pass(1s, 0ms, 1s);
        reading.stalled += stalled;
        reading.usually_stalled = 900;  // while memory moves it is no measure
        guard.add_moving(reading);
        EXPECT_EQ(pace(), stalled == 119ms ? Pace::full : Pace::slower);
    }
    EXPECT_EQ(guard.describe(reading.time),
              "its vCPUs wait 30 ms a second longer while its memory moves, so the move is 2 times "
              "slower");
}

TEST_F(LatencyGuardTest, StallsOfAMoveAreNoMeasureForItsRest) {
    reading.usually_stalled = 100;
    move(0ms);
    reading.usually_stalled = 900;  // the move's own, in the ticks after its first
    for (int tick = 0; tick < 3; ++tick) {
        look(0ms);
        reading.stalled += 130ms;
        move(0ms);
        guard.end_moving();
    }
    look(0ms);
    guard.add_moving(reading);
    pass(1s, 0ms, 1s);
    reading.stalled += 130ms;
    guard.add_moving(reading);
    EXPECT_EQ(pace(), Pace::slower);
    guard.finish();
    reading.time += LatencyGuard::unmoved;
    guard.add_look(reading);
    guard.add_moving(reading);
    pass(1s, 0ms, 1s);
    reading.stalled += 910ms;
    guard.add_moving(reading);
    EXPECT_EQ(pace(), Pace::full) << "long after the move they are what the guest waits without";
}

TEST_F(LatencyGuardTest, AGuestThatRunsMuchMayWaitForTheSameShareOfIt) {
    move(100ms, 10s);
    EXPECT_EQ(pace(), Pace::full);
    move(101ms, 10s);
    EXPECT_EQ(pace(), Pace::slower);
}

TEST_F(LatencyGuardTest, AMoveThatIsFeltTwiceAsMuchPausesAtOnce) {
    guard.add_moving(reading);
    pass(100ms, 41ms, 100ms);
    guard.add_moving(reading);
    EXPECT_EQ(pace(), Pace::paused) << "not only after a second";
    EXPECT_EQ(guard.describe(reading.time),
              "its vCPUs wait 410 ms a second longer while its memory moves, so the move goes on "
              "in 10 s");
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(pace(), Pace::paused) << i;
        look(0ms);
    }
    EXPECT_EQ(pace(), Pace::slower);
    EXPECT_EQ(guard.slowdown(), LatencyGuard::slowdown_after_pause);
    EXPECT_EQ(guard.pauses(), 1);
}

TEST_F(LatencyGuardTest, AMoveThatIsFeltWithTheSlowestPacePauses) {
    for (int i = 0; i < 4; ++i) {
        ASSERT_NE(pace(), Pace::paused);
        move(30ms);
    }
    EXPECT_EQ(pace(), Pace::paused);
}

TEST_F(LatencyGuardTest, APauseInWhichItWaitsAsLongEndsAndDoesNotCount) {
    move(200ms);
    ASSERT_EQ(pace(), Pace::paused);
    look(500ms);
    EXPECT_EQ(pace(), Pace::paused) << "some of that was before the pause";
    look(500ms);
    EXPECT_EQ(pace(), Pace::full);
    EXPECT_EQ(guard.pauses(), 0);
    move(500ms);
    EXPECT_EQ(pace(), Pace::full) << "it is what the guest waits anyway";
}

TEST_F(LatencyGuardTest, AfterThreePausesTheRestStaysUntilTheGuestIsIdle) {
    for (int pause = 0; pause < LatencyGuard::most_pauses; ++pause) {
        move(500ms);
        ASSERT_EQ(pace(), Pace::paused);
        const auto end = reading.time + LatencyGuard::first_pause * (1 << pause);
        while (reading.time < end)
            look(0ms);
    }
    move(500ms);
    EXPECT_EQ(pace(), Pace::stays);
    EXPECT_EQ(guard.describe(reading.time),
              "its vCPUs wait 500 ms a second longer while its memory moves, so the rest stays "
              "where it is until the guest is idle");
    for (int i = 0; i < 1000; ++i)
        look(0ms);
    EXPECT_EQ(pace(), Pace::stays);
    look(LatencyGuard::idle_time, 1ms);
    EXPECT_EQ(pace(), Pace::stays) << "it is not idle: it does not get a CPU";
    look(0ms, LatencyGuard::idle_time - 1ms);
    EXPECT_EQ(pace(), Pace::full);
    EXPECT_EQ(guard.pauses(), 0);
}

TEST_F(LatencyGuardTest, AnIdleGuestFeelsNothing) {
    look(0ms, LatencyGuard::idle_time - 1ms);
    move(500ms, LatencyGuard::idle_time - 1ms);
    EXPECT_EQ(pace(), Pace::full);
    move(500ms, 500ms);
    EXPECT_EQ(pace(), Pace::paused) << "it is not idle any more";
}

TEST_F(LatencyGuardTest, AGuestThatGetsNoCpuIsNotIdle) {
    move(500ms, LatencyGuard::idle_time - 1ms);
    EXPECT_EQ(pace(), Pace::paused);
}

TEST_F(LatencyGuardTest, AMoveThatEndedWellForgetsThePausesBefore) {
    move(500ms);
    for (int i = 0; i < 10; ++i)
        look(0ms);
    ASSERT_EQ(guard.pauses(), 1);
    guard.finish();
    EXPECT_EQ(guard.pauses(), 0);
    EXPECT_EQ(pace(), Pace::full);
}

TEST_F(LatencyGuardTest, WhatHappensBetweenTwoMovesIsNotJudged) {
    move(0ms);
    guard.end_moving();
    pass(5s, 5s, 1s);
    move(0ms);
    EXPECT_EQ(pace(), Pace::full);
    look(5s);
    look(0ms);
    move(30ms);
    EXPECT_EQ(pace(), Pace::slower) << "nor did the look after the move count as one without";
}

TEST_F(LatencyGuardTest, WithoutALookBeforeNothingIsJudged) {
    LatencyGuard fresh{10};
    fresh.add_look(reading);
    for (int i = 0; i < 20; ++i) {
        fresh.add_moving(reading);
        pass(100ms, 100ms, 0ms);
    }
    EXPECT_EQ(fresh.pace(reading.time), Pace::full);
}

TEST_F(LatencyGuardTest, AVcpuThatIsUnpluggedMakesNoDifference) {
    guard.add_moving(reading);
    pass(500ms, -5s, -100s);
    guard.add_moving(reading);
    guard.add_look(reading);
    pass(1s, -5s, -5s);
    guard.add_look(reading);
    move(10ms);
    EXPECT_EQ(pace(), Pace::full);
    move(30ms);
    EXPECT_EQ(pace(), Pace::slower);
}

TEST_F(LatencyGuardTest, ManyCpusForALongTimeOverflowNothing) {
    LatencyGuard large{999};
    for (int i = 0; i < 3; ++i) {
        pass(24h, 64 * 24h, 64 * 24h);
        large.add_look(reading);
    }
    for (int i = 0; i < 3; ++i) {
        large.add_moving(reading);
        pass(24h, 64 * 24h, 64 * 24h);
    }
    EXPECT_EQ(large.pace(reading.time), Pace::full);
}

}  // namespace
}  // namespace vnuma
