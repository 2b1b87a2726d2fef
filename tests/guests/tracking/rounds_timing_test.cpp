// When rounds of induced faults begin and end, by ticks of all of tracking.
#include "tests/guests/tracking/fake_tracking.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using namespace test;
using RoundTiming = TrackingTest;

// The length of a round is many ticks, so that only faults can end it.
TEST_F(RoundTiming, ARoundEndsWhenNearlyAllExpectedPagesHaveFaultedAgain) {
    settings.round_time = 1min;
    directory.write("4242/smaps_rollup", "Rss: 400 kB\nAnonHugePages: 0 kB\n");
    wide();
    start();
    const auto rounds = [&](std::uint64_t faults) {
        counter->counts = {{{4242, 101, 0, 3, true, faults}}, 0, 1000ns};
        return run(1).attribution.rounds;
    };
    run_until_a_round_begins();
    EXPECT_EQ(rounds(50), 0U);
    EXPECT_EQ(rounds(43), 0U);
    EXPECT_EQ(rounds(1), 1U) << "94 of 100 pages have faulted";
    EXPECT_EQ(rounds(93), 1U) << "the second round runs";
    EXPECT_EQ(rounds(1), 2U) << "94 pages, as in the first round";
}

TEST_F(RoundTiming, PagesThatFaultTwiceAndDroppedFaultsDoNotEndARound) {
    settings.round_time = 1min;
    directory.write("4242/smaps_rollup", "Rss: 400 kB\nAnonHugePages: 0 kB\n");
    wide();
    start();
    run_until_a_round_begins();
    counter->counts = {{{4242, 101, 0, 3, false, 93}, {4242, 101, 0, 3, true, 93}}, 500, 1000ns};
    EXPECT_EQ(run(1).attribution.rounds, 0U);
    counter->counts = {{{4242, 101, 0, 3, false, 1}}, 0, 1000ns};
    EXPECT_EQ(run(1).attribution.rounds, 1U);
}

TEST_F(RoundTiming, ARoundWithoutFaultsLastsItsFullTime) {
    settings.round_time = 10s;  // 5 ticks
    wide();
    start();
    run_until_a_round_begins();
    EXPECT_EQ(run(4).attribution.rounds, 0U);
    EXPECT_EQ(run(1).attribution.rounds, 1U);
    EXPECT_EQ(run(4).attribution.rounds, 1U) << "no page is expected, so that none ends the round";
    EXPECT_EQ(run(1).attribution.rounds, 2U);
}

TEST_F(RoundTiming, TheSecondRoundFollowsTheFirstAtOnce) {
    settings.period = {60s, 60s};
    wide();
    start();
    run(12);
    EXPECT_EQ(last.guests[0].tracking.attribution.rounds, 2U) << "the third waits for the period";
}

TEST_F(RoundTiming, OnlyTheFirstScanRunsBesideTheFirstTwoRounds) {
    settings.period = {2s, 2s};
    wide();
    start();
    run_until_a_round_begins();
    EXPECT_EQ(best->begun, 1);
    while (last.guests[0].tracking.attribution.rounds < 2) {
        EXPECT_EQ(best->begun, 1);
        run(1);
    }
    run(3);
    EXPECT_GT(best->begun, 1);
}

TEST_F(RoundTiming, ARoundFollowsSoonWhenOtherMemoryBecomesHot) {
    settings.period = {2s, 60s};
    wide();
    start();
    run(1);
    for (int i = 0; i < 80; ++i) {
        counter->counts = faults_of(1, 0);
        run(1);
    }
    ASSERT_GT(last.guests[0].tracking.attribution.period, 10s);
    best->result->accessed = {{base + 4 * chunk, base + 5 * chunk, max_level},
                              {base, base + chunk, 0}};
    const auto scans = last.guests[0].tracking.heat.scans;
    while (last.guests[0].tracking.heat.scans == scans)
        run(1);
    EXPECT_EQ(run(1).attribution.period, 2s);
}

TEST_F(RoundTiming, RoundsGoOnWithoutAHeatTracker) {
    first_there = second_there = false;
    settings.period = {2s, 8s};
    wide();
    start();
    EXPECT_GT(run(60).attribution.rounds, 5U);
    guests.clear();
    tick();
    add_guest("u", 4343);
    first_there = second_there = true;
    run(1);
    now += AccessTracking::probe_interval;
    run(1);
    best->reason = second->reason = "not for this guest";
    EXPECT_GT(run(60).attribution.rounds, 5U);
}

TEST_F(RoundTiming, RoundsWithoutFaultsDoNotLengthenThePeriod) {
    settings.period = {2s, 600s};
    wide();
    start();
    run(1);
    for (int i = 0; i < 4; ++i) {
        run(4);
        EXPECT_EQ(last.guests[0].tracking.attribution.period, 2s);
    }
}

TEST_F(RoundTiming, TwoRoundsFollowAtOnceWhenTheMemoryHasChanged) {
    settings.period = {2s, 600s};
    wide();
    start();
    const auto run_with_faults = [this](int ticks) {
        for (int i = 0; i < ticks; ++i) {
            if (counter) counter->counts = faults_of(0, 0);
            run(1);
        }
        return last.guests[0].tracking.attribution.rounds;
    };
    run_with_faults(100);
    const std::uint64_t before = run_with_faults(20);
    EXPECT_LE(before, 12U);
    guests[0].cells[0].blocks[0].host.size -= chunk;
    EXPECT_GE(run_with_faults(8), before + 2);
}

TEST_F(RoundTiming, ThereAreNoRoundsWithSoftDirtyTracking) {
    settings.heat = HeatChoice::soft_dirty;
    wide();
    start();
    EXPECT_NE(run(6).attribution.trouble, "");
    EXPECT_EQ(clear_refs(), "");
}

}  // namespace
}  // namespace vnuma
