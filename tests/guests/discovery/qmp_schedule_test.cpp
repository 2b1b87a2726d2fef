#include "guests/discovery/qmp_schedule.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using Depth = std::optional<QmpDepth>;

class QmpScheduleTest : public ::testing::Test {
  protected:
    // Asks the guest, which gives the same answers as before.
    Depth look() {
        const Depth depth = schedule.choose_depth("/run/guest.qmp", now, guest);
        if (depth == QmpDepth::description)
            schedule.note_description(now, false);
        else if (depth)
            schedule.note_state(now);
        return depth;
    }
    // How often it is asked so much, with a look every 2 s from now on.
    int count(QmpDepth depth, std::chrono::seconds length) {
        int count = 0;
        for (const auto end = now + length; now < end;) {
            now += 2s;
            count += look() == depth ? 1 : 0;
        }
        return count;
    }

    QmpSchedule schedule;
    QmpSchedule::Guest guest{RunState::running, true, false};
    QmpSchedule::Time now = QmpSchedule::Time() + 1h;
};

TEST_F(QmpScheduleTest, AGuestIsDescribedFirst) {
    EXPECT_FALSE(schedule.is_described());
    EXPECT_EQ(look(), QmpDepth::description);
    EXPECT_TRUE(schedule.is_described());
    EXPECT_EQ(look(), std::nullopt);
}

TEST_F(QmpScheduleTest, AGuestThatRunsTellsItsStatusOnceAMinuteAndItsDescriptionEveryTenMinutes) {
    look();
    EXPECT_EQ(count(QmpDepth::status, 60min), 54);
    EXPECT_EQ(count(QmpDepth::description, 60min), 6);
    EXPECT_EQ(count(QmpDepth::state, 60min), 0);
}

TEST_F(QmpScheduleTest, AGuestThatDoesNotSimplyRunTellsItsStateInEveryLook) {
    look();
    for (const RunState state : {RunState::paused, RunState::migrating, RunState::unknown}) {
        guest.state = state;
        EXPECT_EQ(look(), QmpDepth::state);
        EXPECT_EQ(look(), QmpDepth::state);
    }
}

TEST_F(QmpScheduleTest, ANewThreadIsAReasonToAskAtOnce) {
    look();
    guest.has_new_thread = true;
    EXPECT_EQ(look(), QmpDepth::description);
    guest.has_new_thread = false;
    EXPECT_EQ(look(), std::nullopt);
}

TEST_F(QmpScheduleTest, NewThreadsThatMeanNothingAreAReasonLessAndLessOften) {
    look();
    guest.has_new_thread = true;
    count(QmpDepth::description, 5min);
    EXPECT_LE(count(QmpDepth::description, 60min), 120 + 6) << "every 30 s, and at the resyncs";
    now += 1min;
    ASSERT_EQ(schedule.choose_depth("/run/guest.qmp", now, guest), QmpDepth::description);
    schedule.note_description(now, true);
    EXPECT_EQ(look(), QmpDepth::description) << "the last one has meant something";
}

TEST_F(QmpScheduleTest, WhatHasJustChangedIsDescribedAgainAMinuteLater) {
    look();
    schedule.note_description(now, true);
    EXPECT_EQ(count(QmpDepth::description, 60s), 1);
    EXPECT_LE(count(QmpDepth::description, 9min), 1) << "1 if the ten minutes are over";
}

TEST_F(QmpScheduleTest, AGuestIsDescribedAgainWhenItsStateWasFoundToBeAnotherOne) {
    look();
    schedule.mark_due();
    EXPECT_FALSE(schedule.is_described());
    EXPECT_EQ(look(), QmpDepth::description);
    EXPECT_EQ(look(), std::nullopt);
}

TEST_F(QmpScheduleTest, WhoeverHasAskedForTheStateSavesTheNextResyncTheQuestion) {
    look();
    for (const auto end = now + 10min; now < end;) {
        now += 2s;
        schedule.note_state(now);
        EXPECT_NE(look(), QmpDepth::status);
    }
}

TEST_F(QmpScheduleTest, AGuestWhoseProcessIsNotTrustedIsDescribedAtEachResync) {
    guest.trusted = false;
    look();
    EXPECT_EQ(count(QmpDepth::description, 10min), 10);
    EXPECT_EQ(count(QmpDepth::status, 10min), 0);
}

}  // namespace
}  // namespace vnuma
