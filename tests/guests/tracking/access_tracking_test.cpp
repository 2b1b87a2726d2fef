#include "guests/tracking/access_tracking.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "guests/process/process.hpp"
#include "tests/guests/tracking/fake_tracking.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST_F(TrackingTest, ABusyGuestIsScanned) {
    start();
    const TrackingSample& seen = run(4);
    EXPECT_STREQ(seen.heat.tracker, "fake");
    EXPECT_EQ(seen.heat.scans, 1U);
    EXPECT_EQ(seen.heat.trouble, "");
    EXPECT_EQ(seen.chunks, chunks);
    EXPECT_EQ(seen.hot_chunks, 1U);
    ASSERT_TRUE(seen.hot_ranges);
    EXPECT_EQ(*seen.hot_ranges, (std::vector<RamRange>{{base, chunk}}));
    EXPECT_GE(seen.spent, 2ms);
    EXPECT_LT(seen.spent, 2ms + seen.earned);
    EXPECT_EQ(last.tracking.trackers, (std::vector<std::string>{"first", "second"}));
    EXPECT_TRUE(seen.map.empty()) << "tracking.heat_map is off";
}

TEST_F(TrackingTest, TheMapHasAllChunksOfWhichSomethingIsKnown) {
    settings.heat_map = true;
    start();
    const TrackingSample& seen = run(4);
    ASSERT_EQ(seen.map.size(), chunks);
    EXPECT_EQ(seen.map[0].address, 0U) << "a guest-physical address";
    EXPECT_EQ(seen.map[0].heat, 1000);
    EXPECT_EQ(seen.map[1].heat, 0);
    EXPECT_EQ(seen.map[1].accessor, -1);
}

TEST_F(TrackingTest, ScansOfASteadyGuestBecomeRare) {
    settings.period = {2s, 16s};
    start();
    run(60);
    EXPECT_GE(best->begun, 7);
    EXPECT_LE(best->begun, 12) << "in 120 s: after 2, 4, 8, and then 16 s each";
}

TEST_F(TrackingTest, ANewHomeIsFollowedByAScanAtOnce) {
    settings.period = {2s, 600s};
    start();
    run(30);
    const int begun = best->begun;
    hints["u"].changed = true;
    run(1);
    EXPECT_EQ(best->begun, begun + 1);
}

TEST_F(TrackingTest, MovedMemoryIsNotFollowedByAScan) {
    settings.period = {2s, 600s};
    start();
    run(30);
    const int begun = best->begun;
    hints["u"].moved = true;
    run(1);
    EXPECT_EQ(best->begun, begun);
}

TEST_F(TrackingTest, HeatIsForgottenHalfAnHourAfterTheLastScanOfChunks) {
    start();
    EXPECT_EQ(run(4).hot_chunks, 1U);
    best->reason = second->reason = "not any more";
    run(2);  // a scan that runs already ends
    now += HeatScans::heat_lifetime - 1min;
    EXPECT_EQ(run(1).hot_chunks, 1U);
    now += 1min;
    EXPECT_EQ(run(1).hot_chunks, 0U);
}

TEST_F(TrackingTest, TheNodesOfHotMemoryAreForgottenWithTheHeatOfAnIdleGuest) {
    const std::size_t size = chunks * chunk;
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    std::memset(memory, 1, size);
    const auto start_of_memory = reinterpret_cast<std::uint64_t>(memory);
    guests[0].process = std::make_shared<const Process>(*Process::open(::getpid()));
    guests[0].cells[0].blocks[0].host = {start_of_memory, size};
    start();
    run(1);
    best->result->accessed = {{start_of_memory, start_of_memory + size, max_level}};
    EXPECT_FALSE(run(6).heat_by_cell.empty());
    now += HeatScans::heat_lifetime;
    EXPECT_TRUE(run(1, 0ms).heat_by_cell.empty());
    ::munmap(memory, size);
}

TEST_F(TrackingTest, AGuestWhoseModeIsOffIsNotScanned) {
    hints["u"].wanted = false;
    start();
    run(10);
    EXPECT_EQ(best->begun, 0);
    hints["u"].wanted = true;
    run(1);
    EXPECT_EQ(best->begun, 1);
}

TEST_F(TrackingTest, HeatInMoreRangesThanTheLimitIsForgottenAsWell) {
    const std::uint64_t many = 3 * max_hot_ranges;
    RamBlock& block = guests[0].cells[0].blocks[0];
    block.host.size = many * chunk;
    block.guest = {{0, many * chunk}};
    start();
    run(1);
    HeatScan scan;
    for (std::uint64_t i = 0; i < many; ++i) {
        const std::uint64_t start = base + i * chunk;
        scan.accessed.push_back({start, start + chunk, i % 2 == 0 ? max_level : std::uint16_t{0}});
    }
    best->result = scan;
    EXPECT_EQ(run(4).hot_chunks, many / 2);
    best->reason = second->reason = "not any more";
    run(2);  // a scan that runs already ends
    now += HeatScans::heat_lifetime;
    EXPECT_EQ(run(1).hot_chunks, 0U);
}

TEST_F(TrackingTest, ScansThatMeasureNoChunksBecomeRareAsIfTheyAgreed) {
    settings.period = {2s, 60s};
    start();
    run(4);
    best->result->accessed = {{base + chunk, base + 2 * chunk, max_level}, {base, base + chunk, 0}};
    while (last.guests[0].tracking.heat.agreement == 1000)
        run(1);
    EXPECT_LT(last.guests[0].tracking.heat.agreement, 500);
    best->reason = "not any more";
    second->per_chunk = false;
    EXPECT_GT(run(40).heat.period, 10s);
    EXPECT_EQ(last.guests[0].tracking.heat.agreement, 1000);
}

TEST_F(TrackingTest, AnIdleGuestCostsNothing) {
    start();
    run(1, 5000ms);
    const TrackingSample& seen = run(20, 90ms);
    EXPECT_EQ(seen.heat.scans, 0U);
    EXPECT_EQ(seen.spent, 0ns);
}

TEST_F(TrackingTest, AnUnsteadyGuestHasNeitherScansNorRounds) {
    guests[0].unsteady = "it is migrating";
    wide();
    start();
    const TrackingSample& seen = run(5);
    EXPECT_EQ(seen.heat.scans, 0U);
    EXPECT_EQ(seen.attribution.trouble, "it is migrating");
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(TrackingTest, NothingIsBegunWhileItMayNot) {
    wide();
    start();
    may_begin = false;
    EXPECT_EQ(run(5).heat.scans, 0U);
    EXPECT_EQ(clear_refs(), "");
    may_begin = true;
    EXPECT_GT(run(5).heat.scans, 0U);
    run_until_a_round_begins();
    EXPECT_NE(clear_refs(), "");
}

TEST_F(TrackingTest, AScanThatFailsIsReportedAndTriedAgainLater) {
    start();
    run(2);
    best->failure = "the kernel says no";
    EXPECT_EQ(run(1).heat.trouble, "the kernel says no");
    EXPECT_EQ(best->running, 0);
    best->failure.clear();
    EXPECT_EQ(run(10).heat.trouble, "");
}

TEST_F(TrackingTest, AScanWithoutAResultIsGivenUp) {
    start();
    run(2);
    best->result.reset();
    EXPECT_EQ(run(18).heat.trouble, "a scan had no result 30 s after it should have ended");
}

TEST_F(TrackingTest, TheScanAndTheCountingOfAGuestThatIsGoneEnd) {
    wide();
    start();
    run(1);
    for (int i = 0; i < 20 && best->running == 0; ++i)
        run(1);
    ASSERT_EQ(best->running, 1);
    EXPECT_EQ(counter->watched.size(), 1U);
    guests.clear();
    tick();
    EXPECT_EQ(best->running, 0);
    EXPECT_TRUE(counter->watched.empty());
}

TEST_F(TrackingTest, AbandonedScansAreChargedAndFollowedByOthers) {
    start();
    run(2);
    ASSERT_EQ(best->running, 1);
    const auto spent = last.guests[0].tracking.spent;
    tracking->abandon_scans();
    EXPECT_EQ(best->running, 0);
    EXPECT_GE(run(1).spent - spent, 1ms) << "the estimate is charged";
    EXPECT_GE(run(4).heat.scans, 1U);
}

TEST_F(TrackingTest, NothingIsKnownOfAnotherProcess) {
    start();
    EXPECT_EQ(run(4).heat.scans, 1U);
    guests.clear();
    add_guest("u", 4343);
    EXPECT_EQ(run(1).heat.scans, 0U);
}

TEST_F(TrackingTest, AGuestThatCannotBeReadInOneTickIsNotForgotten) {
    start();
    run(4);
    const auto process = std::exchange(guests[0].process, nullptr);
    run(1);
    guests[0].process = process;
    EXPECT_GE(run(1).heat.scans, 1U);
}

TEST_F(TrackingTest, AGuestReportsWhatItsScanWaitsFor) {
    start();
    EXPECT_EQ(run(3, 10ms).heat.waits_for,
              "the guest has used less than 1 s of CPU time since its start");
    guests.clear();
    tick();
    add_guest("u", 4343);
    run(1, 5000ms);
    EXPECT_EQ(run(1, 10ms).heat.waits_for, "the guest is idle: it uses less than 5 % of a CPU");
}

TEST_F(TrackingTest, AScanEndsWhenTheMemoryChanges) {
    start();
    run(2);
    EXPECT_EQ(best->running, 1);
    guests[0].cells[0].blocks[0].host.size -= chunk;
    const auto spent = last.guests[0].tracking.spent;
    EXPECT_EQ(run(1).chunks, chunks - 1);
    EXPECT_GE(last.guests[0].tracking.spent, spent + 1ms) << "the estimate is charged";
    EXPECT_EQ(last.guests[0].tracking.heat.scans, 0U);
}

}  // namespace
}  // namespace vnuma
