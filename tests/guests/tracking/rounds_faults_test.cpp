// What is learnt from counted faults, in rounds and without, by ticks of all of tracking.
#include <functional>

#include "tests/guests/tracking/fake_tracking.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using namespace test;
using RoundFaults = TrackingTest;

TEST_F(RoundFaults, RoundsTakePlaceOnlyWhereAccessorsMatter) {
    start();
    run(5);
    EXPECT_EQ(clear_refs(), "");
    EXPECT_TRUE(counter->watched.empty());
    wide();
    run(3);
    EXPECT_EQ(clear_refs(), "4");
    EXPECT_EQ(counter->watched.at(4242), 21);
}

TEST_F(RoundFaults, TwoRoundsFindTheAccessorOfAChunk) {
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
    EXPECT_GE(seen.attribution.estimate, 100us) << "100 faults of 1,000 ns, as in the round before";
    EXPECT_GE(seen.attribution.cost, 100us);
    EXPECT_EQ(seen.map.at(3).accessor, 1);
    EXPECT_EQ(seen.map.at(3).writes, 1000);
    ASSERT_TRUE(seen.access_matrix);
    EXPECT_GT(seen.access_matrix->at(1, 3), 0U);
    EXPECT_EQ(seen.access_matrix->at(0, 3), 0U);
}

// Calls `tick` until the sample has an access matrix; returns the number of calls, or 0 after 200.
int ticks_until_published(const std::function<const TrackingSample&()>& tick) {
    for (int ticks = 1; ticks < 200; ++ticks)
        if (tick().access_matrix) return ticks;
    return 0;
}

TEST_F(RoundFaults, TheAccessMatrixIsPublishedAfterTheSecondRound) {
    wide();
    start();
    const auto tick = [&]() -> const TrackingSample& {
        if (counter) counter->counts = faults_of(1, 3);
        return run(1);
    };
    EXPECT_GT(ticks_until_published(tick), 0);
    EXPECT_EQ(last.guests[0].tracking.attribution.rounds, 2U);
}

TEST_F(RoundFaults, WithoutRoundsTheAccessMatrixTakesEightObservations) {
    settings.round_time = 4s;
    hints["u"].attribute = true;
    start();
    const auto tick = [&]() -> const TrackingSample& {
        if (counter) counter->counts = faults_of(1, 3);
        return run(1);
    };
    EXPECT_GE(ticks_until_published(tick), 8 * 2) << "8 observations of 4 s";
    EXPECT_EQ(last.guests[0].tracking.attribution.rounds, 0U);
}

TEST_F(RoundFaults, AllFaultsOfOneRoundAreOneObservation) {
    settings.round_time = 4s;
    settings.period = {60s, 60s};
    wide();
    start();
    run_until_a_round_begins();
    for (int i = 0; i < 3; ++i) {
        counter->counts = faults_of(1, 3);
        run(1);
    }
    EXPECT_EQ(last.guests[0].tracking.attribution.rounds, 1U);
    EXPECT_EQ(last.guests[0].tracking.attribution.agreed, 0U);
}

// Memory that vCPUs would access while a round holds them up may seem cold.
TEST_F(RoundFaults, AScanBesideARoundDoesNotForgetHeatAtOnce) {
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
        const std::uint64_t scans = last.guests[0].tracking.heat.scans;
        for (int i = 0; i < 20 && tick().heat.scans < scans + 2;)
            ++i;
        EXPECT_EQ(last.guests[0].tracking.hot_chunks, with_rounds ? 1U : 0U);
    }
}

TEST_F(RoundFaults, BucketsAreNoSmallerThanTheLargestPages) {
    guests[0].cells[0].blocks[0].page_bytes = 8 << 20;
    wide();
    start();
    run(3);
    EXPECT_EQ(counter->watched.at(4242), 23);
}

TEST_F(RoundFaults, AccessesToDevicesAreNotCounted) {
    settings.round_time = 1min;
    directory.write("4242/smaps_rollup", "Rss: 400 kB\nAnonHugePages: 0 kB\n");
    wide();
    start();
    run_until_a_round_begins();
    const std::uint64_t device = 0xfeb00000 >> 21;
    counter->counts = {{{4242, 101, 0, device, true, 5'000}}, 0, 1000ns};
    EXPECT_EQ(run(1).attribution.rounds, 0U);
    EXPECT_EQ(last.guests[0].tracking.attribution.faults, 0U);
}

TEST_F(RoundFaults, DroppedFaultsAreReported) {
    wide();
    start();
    run(3);
    counter->counts = faults_of(1, 3);
    counter->counts.dropped = 7;
    run(1);
    EXPECT_EQ(last.tracking.dropped, 7U);
    EXPECT_EQ(last.guests[0].tracking.attribution.dropped, 7U);
    EXPECT_EQ(run(1).attribution.trouble,
              "some page faults were not counted: the table of the fault counter was full");
}

TEST_F(RoundFaults, DroppedFaultsCountForEveryWatchedGuest) {
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

TEST_F(RoundFaults, KindsOfFaultBeyondTheLimitCountAsDropped) {
    wide();
    start();
    run(2);
    const FaultCounts one = faults_of(0, 0);
    counter->counts.faults.assign(max_fault_kinds + 1, one.faults.front());
    const AttributionState seen = run(1).attribution;
    EXPECT_EQ(seen.dropped, 100U);
    EXPECT_EQ(seen.faults, max_fault_kinds * 100U);
}

TEST_F(RoundFaults, FaultsCountedWithAnotherBucketSizeAreDropped) {
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

TEST_F(RoundFaults, AGuestThatMayNotBeDisturbedHasOnlyIncidentalFaults) {
    wide();
    hints["u"].may_disturb = false;
    start();
    run(3);
    counter->counts = faults_of(0, 0);
    const TrackingSample& seen = run(1);
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(seen.attribution.faults, 100U);
    EXPECT_NE(seen.attribution.trouble, "");
}

TEST_F(RoundFaults, WithoutAFaultCounterThereAreNoRoundsAndAReason) {
    counter_there = false;
    wide();
    start();
    EXPECT_EQ(run(5).attribution.trouble, "no counter");
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(last.tracking.missing.at("bpf"), "no counter");
}

TEST_F(RoundFaults, AFaultCounterThatFailsIsLoadedAgain) {
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

}  // namespace
}  // namespace vnuma
