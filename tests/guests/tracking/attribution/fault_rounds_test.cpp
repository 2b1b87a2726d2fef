#include "guests/tracking/attribution/fault_rounds.hpp"

#include <filesystem>
#include <functional>

#include "tests/guests/tracking/fake_tracking.hpp"
#include "tests/slow_file.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using namespace test;
using RoundsTest = TrackingTest;

TEST_F(RoundsTest, FaultsAreInducedOnlyWhereItMattersWhoTouchesWhat) {
    start();
    run(5);
    EXPECT_EQ(clear_refs(), "");
    EXPECT_TRUE(counter->watched.empty());
    wide();
    run(3);
    EXPECT_EQ(clear_refs(), "4");
    EXPECT_EQ(counter->watched.at(4242), 21);
}

TEST_F(RoundsTest, TwoRoundsTellWhoTouchesAChunk) {
    wide();
    settings.heat_map = true;
    start();
    run(3);
    for (int i = 0; i < 12; ++i) {
        counter->counts = faults_of(1, 3);
        run(1);
    }
    const TrackingSample& seen = last.guests[0].tracking;
    EXPECT_GE(seen.attribution.rounds, 2U);
    EXPECT_EQ(seen.attribution.agreed, 1U);
    EXPECT_EQ(seen.attribution.trouble, "");
    EXPECT_GE(seen.attribution.estimate, 100us) << "the faults of the round before";
    EXPECT_GE(seen.attribution.cost, 100us);
    EXPECT_EQ(seen.map.at(3).accessor, 1);
    EXPECT_EQ(seen.map.at(3).writes, 1000);
    ASSERT_TRUE(seen.access_matrix);
    EXPECT_GT(seen.access_matrix->at(1, 3), 0U);
    EXPECT_EQ(seen.access_matrix->at(0, 3), 0U);
}

// With a length of many ticks, so that only what came back can end them.
TEST_F(RoundsTest, AreOverWhenNearlyAllHasComeBack) {
    settings.round_time = 1min;
    directory.write("4242/smaps_rollup", "Rss: 400 kB\nAnonHugePages: 0 kB\n");
    wide();
    start();
    const auto rounds = [&](std::uint64_t faults) {
        counter->counts = {{{4242, 101, 0, 3, true, faults}}, 0, 1000ns};
        return run(1).attribution.rounds;
    };
    run(1);
    for (int i = 0; i < 10 && clear_refs().empty(); ++i)
        run(1);
    EXPECT_EQ(rounds(50), 0U);
    EXPECT_EQ(rounds(43), 0U);
    EXPECT_EQ(rounds(1), 1U) << "94 of 100 pages";
    EXPECT_EQ(rounds(93), 1U) << "the second runs";
    EXPECT_EQ(rounds(1), 2U) << "it ends where the first did";
}

TEST_F(RoundsTest, AreNotOverForPagesThatCameBackTwiceNorForFaultsOfOthers) {
    settings.round_time = 1min;
    directory.write("4242/smaps_rollup", "Rss: 400 kB\nAnonHugePages: 0 kB\n");
    wide();
    start();
    run(1);
    for (int i = 0; i < 10 && clear_refs().empty(); ++i)
        run(1);
    counter->counts = {{{4242, 101, 0, 3, false, 93}, {4242, 101, 0, 3, true, 93}}, 500, 1000ns};
    EXPECT_EQ(run(1).attribution.rounds, 0U);
    counter->counts = {{{4242, 101, 0, 3, false, 1}}, 0, 1000ns};
    EXPECT_EQ(run(1).attribution.rounds, 1U);
}

TEST_F(RoundsTest, ThatBringNothingBackTakeTheirTime) {
    settings.round_time = 10s;  // five ticks
    wide();
    start();
    run(1);
    for (int i = 0; i < 10 && clear_refs().empty(); ++i)
        run(1);
    EXPECT_EQ(run(4).attribution.rounds, 0U);
    EXPECT_EQ(run(1).attribution.rounds, 1U);
    EXPECT_EQ(run(4).attribution.rounds, 1U) << "nothing is nearly nothing";
    EXPECT_EQ(run(1).attribution.rounds, 2U);
}

TEST_F(RoundsTest, IsPricedByTheFaultsOfTheLastOne) {
    wide();
    directory.write("4242/smaps_rollup", "Rss: 400000 kB\nAnonHugePages: 0 kB\n");
    start();
    run(1);
    counter->counts.fault_time = 1000ns;
    for (int i = 0; i < 10 && clear_refs().empty(); ++i)
        run(1);
    counter->counts = {{{4242, 101, 0, 3, true, 20'000}}, 0, 1000ns};
    const auto seen = [&] { return last.guests[0].tracking.attribution; };
    const auto first = seen().estimate;
    for (int i = 0; i < 100 && seen().estimate == first; ++i)
        run(1);
    EXPECT_EQ(seen().rounds, 1U) << "the second runs";
    EXPECT_GE(seen().estimate, 20ms);
    EXPECT_LT(seen().estimate, 40ms) << "and a sixteenth of 100,000 pages: 6 ms";
}

TEST_F(RoundsTest, WhatIsRefusedLeavesTheFiguresOfTheLastRound) {
    wide();
    start();
    const auto rounds = [&](int ticks) {
        for (int i = 0; i < ticks; ++i) {
            counter->counts = faults_of(1, 3);
            run(1);
        }
        return last.guests[0].tracking.attribution;
    };
    run(3);
    const AttributionState before = rounds(12);
    ASSERT_GE(before.rounds, 2U);
    ASSERT_GT(before.estimate, 0us);
    directory.write("4242/smaps_rollup", "Rss: 4000000000 kB\nAnonHugePages: 0 kB\n");
    const AttributionState refused = rounds(12);
    EXPECT_NE(refused.trouble, "");
    EXPECT_EQ(refused.estimate, before.estimate);
    EXPECT_GE(refused.cost, before.cost);
}

// Ticks with faults until it is said which vCPU touches what.
int ticks_until_told(const std::function<const TrackingSample&()>& tick) {
    for (int ticks = 1; ticks < 200; ++ticks)
        if (tick().access_matrix) return ticks;
    return 0;
}

TEST_F(RoundsTest, NothingIsMadeOfTheFirst) {
    wide();
    start();
    const auto tick = [&]() -> const TrackingSample& {
        if (counter) counter->counts = faults_of(1, 3);
        return run(1);
    };
    EXPECT_GT(ticks_until_told(tick), 0);
    EXPECT_EQ(last.guests[0].tracking.attribution.rounds, 2U);
}

TEST_F(RoundsTest, WhereThereAreNoneItTakesMoreFaultsThatHappenAnyway) {
    settings.round_time = 4s;
    hints["u"].attribute = true;
    start();
    const auto tick = [&]() -> const TrackingSample& {
        if (counter) counter->counts = faults_of(1, 3);
        return run(1);
    };
    EXPECT_GE(ticks_until_told(tick), 8 * 2) << "eight times four seconds";
    EXPECT_EQ(last.guests[0].tracking.attribution.rounds, 0U);
}

TEST_F(RoundsTest, WhatIsSeenInOneRoundIsOneObservation) {
    settings.round_time = 4s;
    settings.period = {60s, 60s};
    wide();
    start();
    while (clear_refs().empty())
        run(1);
    for (int i = 0; i < 3; ++i) {
        counter->counts = faults_of(1, 3);
        run(1);
    }
    EXPECT_EQ(last.guests[0].tracking.attribution.rounds, 1U);
    EXPECT_EQ(last.guests[0].tracking.attribution.agreed, 0U);
}

TEST_F(RoundsTest, TheSecondFollowsTheFirstAtOnce) {
    settings.period = {60s, 60s};
    wide();
    start();
    run(12);
    EXPECT_EQ(last.guests[0].tracking.attribution.rounds, 2U) << "and the third does not";
}

TEST_F(RoundsTest, TheFirstLookDoesNotWaitForThemTheSecondDoes) {
    settings.period = {2s, 2s};
    wide();
    start();
    while (clear_refs().empty())
        run(1);
    EXPECT_EQ(best->begun, 1);
    while (last.guests[0].tracking.attribution.rounds < 2) {
        EXPECT_EQ(best->begun, 1);
        run(1);
    }
    run(3);
    EXPECT_GT(best->begun, 1);
}

TEST_F(RoundsTest, FaultsThatComeAfterTheRoundThatCausedThemAreCharged) {
    settings.period = {60s, 60s};
    wide();
    start();
    while (clear_refs().empty())
        run(1);
    run(3);
    const auto spent = last.guests[0].tracking.spent;
    counter->counts = faults_of(1, 3);
    run(1);
    EXPECT_GE(last.guests[0].tracking.spent - spent, 100us);
    // No more than were taken down.
    counter->counts = faults_of(1, 3);
    counter->counts.faults[0].count = 1'000'000;
    run(1);
    EXPECT_LT(last.guests[0].tracking.spent - spent, 1001us + 100ms);
}

TEST_F(RoundsTest, AChangeOfWhatIsHotIsFollowedByOne) {
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
    const auto looks = last.guests[0].tracking.heat.scans;
    while (last.guests[0].tracking.heat.scans == looks)
        run(1);
    EXPECT_EQ(run(1).attribution.period, 2s);
}

TEST_F(RoundsTest, PagesLargerThanChunksAreCountedWhole) {
    guests[0].cells[0].blocks[0].page_bytes = 8 << 20;
    wide();
    start();
    run(3);
    EXPECT_EQ(counter->watched.at(4242), 23);
}

TEST_F(RoundsTest, FaultsThatFoundNoRoomAreTold) {
    wide();
    start();
    run(3);
    counter->counts = faults_of(1, 3);
    counter->counts.dropped = 7;
    run(1);
    EXPECT_EQ(last.tracking.dropped, 7U);
    EXPECT_EQ(last.guests[0].tracking.attribution.dropped, 7U);
    EXPECT_EQ(run(1).attribution.trouble, "faults were lost: there was no room to count them");
}

TEST_F(RoundsTest, GoOnWhereThereIsNothingToFindHeatWith) {
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
    now += AccessTracking::probe_again;
    run(1);
    best->reason = second->reason = "not of this guest";
    EXPECT_GT(run(60).attribution.rounds, 5U);
}

TEST_F(RoundsTest, OneThatHasSeenNothingAgreesWithNothing) {
    settings.period = {2s, 600s};
    wide();
    start();
    run(1);
    for (int i = 0; i < 4; ++i) {
        run(4);
        EXPECT_EQ(last.guests[0].tracking.attribution.period, 2s);
    }
}

TEST_F(RoundsTest, OfOtherMemoryASampleIsTakenAtOnce) {
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

TEST_F(RoundsTest, FaultsThatAreLostAreTheirsWhoeverTheyWereOf) {
    add_guest("v", 4343);
    hints["v"] = {true, true, true};
    wide();
    start();
    run(2);
    counter->counts.dropped = 1;
    run(1);
    for (const GuestSample& guest : last.guests)
        EXPECT_EQ(guest.tracking.attribution.dropped, 1U) << guest.uuid;
}

TEST_F(RoundsTest, MoreKindsOfFaultThanAreKeptAreTold) {
    wide();
    start();
    run(2);
    const FaultCounts one = faults_of(0, 0);
    counter->counts.faults.assign(max_fault_kinds + 1, one.faults.front());
    const AttributionState seen = run(1).attribution;
    EXPECT_EQ(seen.dropped, 100U);
    EXPECT_EQ(seen.faults, max_fault_kinds * 100U);
}

TEST_F(RoundsTest, WhereFaultsWereIsNotKnownWhenTheMemoryHasJustChanged) {
    guests[0].cells[0].blocks[0].host.size = 16'384 * chunk;
    guests[0].cells[0].blocks[0].guest = {{0, 16'384 * chunk}};
    settings.heat_map = true;
    wide();
    start();
    run(2);
    ASSERT_EQ(counter->watched.at(4242), 21);
    RamBlock more = guests[0].cells[0].blocks[0];
    more.host.start += more.host.size;
    more.guest = {{more.host.size, more.host.size}};
    guests[0].cells[0].blocks.push_back(more);
    counter->counts = faults_of(1, 2);
    EXPECT_EQ(run(1).attribution.dropped, 100U);
    EXPECT_EQ(counter->watched.at(4242), 22);
    run(2);
    for (const ChunkUse& chunk_use : last.guests[0].tracking.map)
        EXPECT_NE(chunk_use.accessor, 1) << chunk_use.address;
}

TEST_F(RoundsTest, WithSoftDirtyTrackingThereAreNoRounds) {
    settings.heat = HeatChoice::soft_dirty;
    wide();
    start();
    EXPECT_NE(run(6).attribution.trouble, "");
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(RoundsTest, ARoundWhoseCostIsNotKnownIsNotBegun) {
    directory.write("4242/smaps_rollup", "");
    wide();
    start();
    EXPECT_EQ(run(6).attribution.trouble, "how much of its memory is mapped cannot be read");
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(RoundsTest, TheLoopDoesNotWaitForPagesThatTakeLongToCount) {
    settings.page_count_timeout = 20ms;
    const SlowFile file(directory.path("4242/smaps_rollup"));
    wide();
    start();
    ASSERT_EQ(run(6).attribution.waits_for, "its pages are being counted");
    EXPECT_EQ(clear_refs(), "");
    file.give("Rss: 4000 kB\n");
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (clear_refs().empty() && std::chrono::steady_clock::now() < give_up)
        run(1);
    EXPECT_EQ(clear_refs(), "4");
    EXPECT_EQ(last.guests[0].tracking.attribution.waits_for, "");
}

TEST_F(RoundsTest, AGuestThatGoesIdleWhileItIsCountedHoldsUpNobody) {
    settings.page_count_timeout = 20ms;
    const SlowFile file(directory.path("4242/smaps_rollup"));
    add_guest("v", 4343);
    for (const char* uuid : {"u", "v"})
        hints[uuid].attribute = hints[uuid].may_disturb = true;
    start();
    ASSERT_EQ(run(6).attribution.waits_for, "its pages are being counted");
    file.give("Rss: 4000 kB\n");
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (clear_refs(4343).empty() && std::chrono::steady_clock::now() < give_up) {
        guests[0].cells[0].vcpus[0].run_ns -= 1'000'000'000;
        run(1);
    }
    EXPECT_EQ(clear_refs(4343), "4");
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(last.guests[0].tracking.attribution.waits_for, "it is idle");
}

// What a round holds up is not touched meanwhile.
TEST_F(RoundsTest, WhatALookMissesBesideARoundIsNotForgottenAtOnce) {
    settings.period = {1s, 1s};
    for (const bool with_rounds : {false, true}) {
        hints["u"].attribute = hints["u"].may_disturb = with_rounds;
        start();
        const auto tick = [&] {
            counter->counts = faults_of(1, 3);
            return run(1);
        };
        run(1);
        best->result->samples = 16;
        for (int i = 0; i < 20; ++i)
            tick();
        ASSERT_EQ(last.guests[0].tracking.hot_chunks, 1U);
        ASSERT_EQ(last.guests[0].tracking.attribution.rounds > 2, with_rounds);
        best->result->accessed = {{base, base + chunks * chunk, 0}};
        const std::uint64_t looks = last.guests[0].tracking.heat.scans;
        for (int i = 0; i < 20 && tick().heat.scans < looks + 2;)
            ++i;
        EXPECT_EQ(last.guests[0].tracking.hot_chunks, with_rounds ? 1U : 0U);
    }
}

TEST_F(RoundsTest, WhereCountingItselfTakesLongItIsSeldomDone) {
    settings.longest_stall = 0ms;
    wide();
    start();
    EXPECT_NE(run(6).attribution.trouble, "");
    std::filesystem::remove(directory.path("4242/smaps_rollup"));
    EXPECT_EQ(run(20).attribution.trouble.find("a round holds it up"), 0U) << "not asked again";
    EXPECT_EQ(run(30 * 60).attribution.trouble, "how much of its memory is mapped cannot be read");
}

TEST_F(RoundsTest, ARoundThatIsNotWorthItsCostIsNotBegun) {
    directory.write("4242/smaps_rollup", "Rss: 400000000 kB\n");
    settings.longest_stall = 1min;
    wide();
    start();
    const TrackingSample& seen = run(6);
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(seen.attribution.trouble,
              "a round would take 505000 ms of CPU time, which is more than its budget allows");
}

TEST_F(RoundsTest, ARoundThatWouldHoldTheGuestUpForLongIsNotBegun) {
    settings.longest_stall = 1ms;
    directory.write("4242/smaps_rollup", "Rss: 80000 kB\n");
    wide();
    start();
    EXPECT_EQ(run(6).attribution.trouble,
              "a round holds it up for 2 ms, which is more than tracking.longest_stall");
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(RoundsTest, AGuestThatHasGrownIsHeldUpForLonger) {
    settings.longest_stall = 500ms;
    wide();
    start();
    while (clear_refs().empty())
        run(1);
    directory.write("4242/clear_refs", "");
    directory.write("4242/smaps_rollup", "Rss: 40000000 kB\n");
    const std::string trouble = run(12).attribution.trouble;
    EXPECT_EQ(trouble.find("a round holds it up for "), 0U) << trouble;
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(RoundsTest, WhereNothingMayBeTouchedOnlyFaultsThatHappenAnywayAreCounted) {
    settings.may_disturb = false;
    wide();
    start();
    run(3);
    counter->counts = faults_of(0, 0);
    const TrackingSample& seen = run(1);
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(seen.attribution.faults, 100U);
    EXPECT_NE(seen.attribution.trouble, "");
}

TEST_F(RoundsTest, WithoutACounterThereAreNoRoundsAndAReason) {
    counter_there = false;
    wide();
    start();
    EXPECT_EQ(run(5).attribution.trouble, "no counter");
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(last.tracking.missing.at("bpf"), "no counter");
}

TEST_F(RoundsTest, ACounterThatBreaksIsLoadedAgain) {
    wide();
    start();
    run(3);
    counter->broken = true;
    run(2);
    EXPECT_NE(last.tracking.missing.at("bpf"), "");
    EXPECT_NE(last.guests[0].tracking.attribution.trouble, "");
    run(40);
    EXPECT_FALSE(last.tracking.missing.contains("bpf"));
    EXPECT_EQ(counter->watched.size(), 1U);
}

TEST_F(RoundsTest, FaultsBetweenRoundsAreNobodysPrice) {
    settings.round_time = 2s;
    settings.period = {10s, 10s};
    directory.write("4242/smaps_rollup", "Rss: 400000 kB\nAnonHugePages: 0 kB\n");
    wide();
    start();
    run(1);
    counter->counts.fault_time = 1000ns;
    const auto seen = [&] { return last.guests[0].tracking.attribution; };
    // Two rounds of 1,000 faults, and some time later the kernel's NUMA balancing takes all pages
    // down.
    for (int i = 0; i < 200 && seen().rounds < 3; ++i) {
        const std::uint64_t rounds = seen().rounds;
        counter->counts = {{{4242, 101, 0, 3, true, 1'000}}, 0, 1000ns};
        run(1);
        if (seen().rounds == rounds || rounds == 0) continue;
        run(2);
        counter->counts = {{{4242, 101, 0, 3, true, 100'000}}, 0, 1000ns};
        run(1);
    }
    EXPECT_EQ(seen().rounds, 3U);
    EXPECT_LT(seen().estimate, 20ms) << "1,000 faults and a sixteenth of 100,000 pages";
}

TEST_F(RoundsTest, AccessesToDevicesAreNoPagesThatCameBack) {
    settings.round_time = 1min;
    directory.write("4242/smaps_rollup", "Rss: 400 kB\nAnonHugePages: 0 kB\n");
    wide();
    start();
    run(1);
    for (int i = 0; i < 10 && clear_refs().empty(); ++i)
        run(1);
    const std::uint64_t of_a_device = 0xfeb00000 >> 21;
    counter->counts = {{{4242, 101, 0, of_a_device, true, 5'000}}, 0, 1000ns};
    EXPECT_EQ(run(1).attribution.rounds, 0U);
    EXPECT_EQ(last.guests[0].tracking.attribution.faults, 0U);
}

}  // namespace
}  // namespace vnuma
