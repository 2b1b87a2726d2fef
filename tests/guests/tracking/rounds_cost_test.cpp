// What rounds of induced faults are expected to cost and are charged, by ticks of all of tracking.
#include <chrono>
#include <filesystem>

#include "tests/guests/tracking/fake_tracking.hpp"
#include "tests/slow_file.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using namespace test;
using RoundCost = TrackingTest;

constexpr const char* cost_unknown =
    "smaps_rollup of the guest's process cannot be read, so the cost of a round is unknown";
constexpr const char* being_counted = "the guest's mapped pages are being counted";
constexpr const char* idle = "the guest is idle: it uses less than 5 % of a CPU";
constexpr const char* too_long_a_stall = "a round would stall the guest for ";

TEST_F(RoundCost, TheEstimateIsTheFaultsOfTheLastRoundAndASixteenthOfAllPages) {
    wide();
    directory.write("4242/smaps_rollup", "Rss: 400000 kB\nAnonHugePages: 0 kB\n");
    start();
    run(1);
    counter->counts.fault_time = 1000ns;
    run_until_a_round_begins();
    counter->counts = {{{4242, 101, 0, 3, true, 20'000}}, 0, 1000ns};
    const auto seen = [&] { return last.guests[0].tracking.attribution; };
    const auto first = seen().estimate;
    for (int i = 0; i < 100 && seen().estimate == first; ++i)
        run(1);
    EXPECT_EQ(seen().rounds, 1U) << "the second round runs";
    EXPECT_GE(seen().estimate, 20ms);
    EXPECT_LT(seen().estimate, 40ms) << "20 ms, and 6 ms for a sixteenth of 100,000 pages";
}

TEST_F(RoundCost, FaultsBetweenRoundsDoNotRaiseTheEstimate) {
    settings.round_time = 2s;
    settings.period = {10s, 10s};
    directory.write("4242/smaps_rollup", "Rss: 400000 kB\nAnonHugePages: 0 kB\n");
    wide();
    start();
    run(1);
    counter->counts.fault_time = 1000ns;
    const auto seen = [&] { return last.guests[0].tracking.attribution; };
    // After each round of 1,000 faults NUMA balancing causes 100,000, later than late refaults.
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
    EXPECT_LT(seen().estimate, 20ms) << "1 ms, and 6 ms for a sixteenth of 100,000 pages";
}

TEST_F(RoundCost, ARefusedRoundLeavesTheFiguresOfTheLastOne) {
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

TEST_F(RoundCost, LateRefaultsAreChargedUpToThePagesTakenDown) {
    settings.period = {60s, 60s};
    wide();
    start();
    run_until_a_round_begins();
    run(3);
    const auto spent = last.guests[0].tracking.spent;
    counter->counts = faults_of(1, 3);
    run(1);
    EXPECT_GE(last.guests[0].tracking.spent - spent, 100us);
    // The round took down 1,000 pages, and some have been charged.
    counter->counts = faults_of(1, 3);
    counter->counts.faults[0].count = 1'000'000;
    run(1);
    EXPECT_LT(last.guests[0].tracking.spent - spent, 1001us + 100ms);
}

TEST_F(RoundCost, ARoundOfUnknownCostDoesNotBegin) {
    directory.write("4242/smaps_rollup", "");
    wide();
    start();
    EXPECT_EQ(run(6).attribution.trouble, cost_unknown);
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(RoundCost, ARoundThatTheBudgetDoesNotAllowDoesNotBegin) {
    directory.write("4242/smaps_rollup", "Rss: 400000000 kB\n");
    settings.longest_stall = 1min;
    wide();
    start();
    const TrackingSample& seen = run(6);
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(seen.attribution.trouble,
              "a round would take 505000 ms of CPU time, more than the guest's tracking budget "
              "allows (tracking.overhead)");
}

TEST_F(RoundCost, ARoundThatWouldStallTheGuestForTooLongDoesNotBegin) {
    settings.longest_stall = 1ms;
    directory.write("4242/smaps_rollup", "Rss: 80000 kB\n");
    wide();
    start();
    EXPECT_EQ(run(6).attribution.trouble,
              "a round would stall the guest for 2 ms, longer than tracking.longest_stall (1 ms)");
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(RoundCost, AGuestThatHasGrownIsExpectedToStallForLonger) {
    settings.longest_stall = 500ms;
    wide();
    start();
    run_until_a_round_begins();
    directory.write("4242/clear_refs", "");
    directory.write("4242/smaps_rollup", "Rss: 40000000 kB\n");
    const std::string trouble = run(12).attribution.trouble;
    EXPECT_EQ(trouble.find(too_long_a_stall), 0U) << trouble;
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(RoundCost, ATickDoesNotWaitForALongPageCount) {
    settings.page_count_timeout = 20ms;
    const SlowFile file(directory.path("4242/smaps_rollup"));
    wide();
    start();
    ASSERT_EQ(run(6).attribution.waits_for, being_counted);
    EXPECT_EQ(clear_refs(), "");
    file.give("Rss: 4000 kB\n");
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (clear_refs().empty() && std::chrono::steady_clock::now() < give_up)
        run(1);
    EXPECT_EQ(clear_refs(), "4");
    EXPECT_EQ(last.guests[0].tracking.attribution.waits_for, "");
}

TEST_F(RoundCost, AGuestThatGoesIdleWhileItsPagesAreCountedDoesNotDelayOthers) {
    settings.page_count_timeout = 20ms;
    const SlowFile file(directory.path("4242/smaps_rollup"));
    add_guest("v", 4343);
    for (const char* uuid : {"u", "v"})
        hints[uuid].attribute = hints[uuid].may_disturb = true;
    start();
    ASSERT_EQ(run(6).attribution.waits_for, being_counted);
    file.give("Rss: 4000 kB\n");
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (clear_refs(4343).empty() && std::chrono::steady_clock::now() < give_up) {
        guests[0].cells[0].vcpus[0].run_ns -= 1'000'000'000;
        run(1);
    }
    EXPECT_EQ(clear_refs(4343), "4");
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(last.guests[0].tracking.attribution.waits_for, idle);
}

TEST_F(RoundCost, ALongPageCountIsNotRepeatedForAnHour) {
    settings.longest_stall = 0ms;
    wide();
    start();
    EXPECT_NE(run(6).attribution.trouble, "");
    std::filesystem::remove(directory.path("4242/smaps_rollup"));
    EXPECT_EQ(run(20).attribution.trouble.find(too_long_a_stall), 0U)
        << "the pages are not counted again";
    EXPECT_EQ(run(30 * 60).attribution.trouble, cost_unknown);
}

}  // namespace
}  // namespace vnuma
