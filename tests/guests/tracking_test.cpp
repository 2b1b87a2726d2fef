#include "guests/tracking/tracking.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <system_error>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t chunk = 2 << 20;
constexpr std::uint64_t base = 0x7f0000000000;
constexpr std::size_t chunks = 8;

constexpr const char* stat_text =
    " (qemu) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 3 0 777 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 "
    "0";

// A tracker that says what the test tells it.
struct FakeTracker : HeatTracker {
    struct Look : PendingLook {
        explicit Look(FakeTracker& tracker) : tracker(tracker) { ++tracker.running; }
        ~Look() override { --tracker.running; }
        std::optional<HeatLook> finish() override {
            if (!tracker.failure.empty()) throw TrackingError(tracker.failure);
            return tracker.result;
        }
        FakeTracker& tracker;
    };

    const char* name() const override { return "fake"; }
    Ability ability() const override { return {true, true, false, true, false, "nothing"}; }
    std::string why_not(const GuestSample&) const override { return reason; }
    std::chrono::microseconds estimate(const GuestSample&) const override { return 1ms; }
    std::unique_ptr<PendingLook> begin(const GuestSample&, std::chrono::milliseconds) override {
        if (running == slots) return nullptr;
        ++begun;
        return std::make_unique<Look>(*this);
    }

    std::string reason, failure;
    std::optional<HeatLook> result =
        HeatLook{{{base, base + chunk, max_level}, {base + chunk, base + chunks* chunk, 0}},
                 std::nullopt,
                 2ms,
                 ""};
    int slots = 10, running = 0, begun = 0;
};

struct FakeCounter : FaultCounter {
    bool watch(pid_t process, int shift) override {
        watched[process] = shift;
        return true;
    }
    void unwatch(pid_t process) override { watched.erase(process); }
    FaultCounts take() override {
        if (broken) throw std::system_error(EPERM, std::generic_category());
        return std::exchange(counts, {});
    }

    std::map<pid_t, int> watched;
    FaultCounts counts;
    bool broken = false;
};

class TrackingTest : public ::testing::Test {
  protected:
    TrackingTest() { add_guest("u", 4242); }

    void add_guest(const std::string& uuid, pid_t pid) {
        const std::string number = std::to_string(pid);
        directory.write(number + "/stat", number + stat_text);
        directory.write(number + "/clear_refs", "");
        directory.write(number + "/smaps_rollup", "Rss: 4000 kB\nAnonHugePages: 0 kB\n");
        GuestSample guest;
        guest.uuid = uuid;
        auto process = Process::open_recorded(directory.path(number));
        if (process) guest.process = std::make_shared<const Process>(std::move(*process));
        CellSample cell;
        cell.vcpus.resize(2);
        for (int id : {0, 1}) {
            cell.vcpus[static_cast<std::size_t>(id)].id = id;
            cell.vcpus[static_cast<std::size_t>(id)].thread = 100 + id;
        }
        RamBlock block;
        block.host = {base, chunks * chunk};
        block.guest = {{0, chunks * chunk}};
        cell.blocks.push_back(block);
        guest.cells.push_back(cell);
        guests.push_back(guest);
    }

    void start() {
        std::vector<TrackerCandidate> candidates;
        for (const bool first : {true, false})
            candidates.push_back({first ? "first" : "second", [this, first](std::string& why_not) {
                                      auto& there = first ? first_there : second_there;
                                      auto& tracker = first ? best : second;
                                      if (!there) why_not = "not there";
                                      return there ? lend(tracker) : nullptr;
                                  }});
        tracking.emplace(settings, std::move(candidates), [this](std::string& why_not) {
            why_not = counter_there ? "" : "no counter";
            auto made = counter_there ? std::make_unique<FakeCounter>() : nullptr;
            counter = made.get();
            return made;
        });
    }

    // The test keeps an eye on what Tracking owns.
    static std::unique_ptr<HeatTracker> lend(FakeTracker*& tracker) {
        auto made = std::make_unique<FakeTracker>();
        tracker = made.get();
        return made;
    }

    // Ticks of two seconds; every guest's vCPUs use so much in each.
    Sample tick(std::chrono::milliseconds used = 1000ms) {
        now += 2s;
        Sample sample;
        sample.time = now;
        for (GuestSample& guest : guests)
            guest.cells[0].vcpus[0].run_ns += static_cast<std::uint64_t>(used / 1ns);
        sample.guests = guests;
        tracking->look(sample, hints);
        return sample;
    }
    const TrackingSample& run(int ticks, std::chrono::milliseconds used = 1000ms) {
        for (int i = 0; i < ticks; ++i)
            last = tick(used);
        return last.guests.at(0).tracking;
    }

    std::string clear_refs(pid_t pid = 4242) const {
        std::ifstream file(directory.path(std::to_string(pid) + "/clear_refs"));
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void wide() { hints["u"].attribute = true; }
    static FaultCounts faults_of(int vcpu, std::uint64_t group) {
        return {{{4242, 100 + vcpu, 0, group, true, 100}}, 0, 1000ns};
    }

    test::TemporaryDirectory directory;
    TrackingSettings settings;
    bool first_there = true, second_there = true, counter_there = true;
    FakeTracker *best = nullptr, *second = nullptr;
    FakeCounter* counter = nullptr;
    std::vector<GuestSample> guests;
    std::map<std::string, TrackingHint> hints;
    std::chrono::steady_clock::time_point now{1000s};
    std::optional<Tracking> tracking;
    Sample last;
};

TEST_F(TrackingTest, ABusyGuestIsLookedAt) {
    start();
    const TrackingSample& seen = run(4);
    EXPECT_STREQ(seen.heat.tracker, "fake");
    EXPECT_EQ(seen.heat.looks, 1U);
    EXPECT_EQ(seen.heat.trouble, "");
    EXPECT_EQ(seen.chunks, chunks);
    EXPECT_EQ(seen.hot_chunks, 1U);
    EXPECT_GE(seen.spent, 2ms);
    EXPECT_LT(seen.spent, 2ms + seen.earned);
    EXPECT_EQ(last.tracking.trackers, (std::vector<std::string>{"first", "second"}));
    EXPECT_TRUE(seen.map.empty()) << "nobody asked for it";
}

TEST_F(TrackingTest, TheMapTellsEachChunkThatIsKnown) {
    settings.heat_map = true;
    start();
    const TrackingSample& seen = run(4);
    ASSERT_EQ(seen.map.size(), chunks);
    EXPECT_EQ(seen.map[0].address, 0U) << "guest-physical";
    EXPECT_EQ(seen.map[0].heat, 1000);
    EXPECT_EQ(seen.map[1].heat, 0);
    EXPECT_EQ(seen.map[1].accessor, -1);
}

TEST_F(TrackingTest, LooksOfASteadyGuestBecomeRare) {
    settings.period = {2s, 16s};
    start();
    run(60);
    EXPECT_GE(best->begun, 7);
    EXPECT_LE(best->begun, 12) << "120 s: after 2, 4, 8, and then 16 s each";
}

TEST_F(TrackingTest, AChangeIsFollowedByALookAtOnce) {
    settings.period = {2s, 600s};
    start();
    run(30);
    const int begun = best->begun;
    hints["u"].changed = true;
    run(1);
    EXPECT_EQ(best->begun, begun + 1);
}

TEST_F(TrackingTest, AnIdleGuestCostsNothing) {
    start();
    run(1, 5000ms);
    const TrackingSample& seen = run(20, 90ms);
    EXPECT_EQ(seen.heat.looks, 0U);
    EXPECT_EQ(seen.spent, 0ns);
}

TEST_F(TrackingTest, AGuestThatMustBeLeftAloneIsNotLookedAt) {
    guests[0].unsteady = "it is migrating";
    wide();
    start();
    const TrackingSample& seen = run(5);
    EXPECT_EQ(seen.heat.looks, 0U);
    EXPECT_EQ(seen.attribution.trouble, "it is migrating");
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(TrackingTest, TheNextBestTrackerServesWhereTheBestCanNot) {
    start();
    run(1);
    best->reason = "not this one";
    run(4);
    EXPECT_EQ(best->begun, 0);
    EXPECT_GE(second->begun, 1);
}

TEST_F(TrackingTest, AGuestThatNoTrackerCanServeSaysWhy) {
    start();
    run(1);
    best->reason = "not this one";
    second->reason = "nor that one";
    EXPECT_EQ(run(3).heat.trouble, "not this one");
    EXPECT_STREQ(run(1).heat.tracker, "none");
}

TEST_F(TrackingTest, ALookThatFailsIsToldAndTriedAgainLater) {
    start();
    run(2);
    best->failure = "the kernel says no";
    EXPECT_EQ(run(1).heat.trouble, "the kernel says no");
    EXPECT_EQ(best->running, 0);
    best->failure.clear();
    EXPECT_EQ(run(10).heat.trouble, "");
}

TEST_F(TrackingTest, ALookWithoutAnEndIsGivenUp) {
    start();
    run(2);
    best->result.reset();
    EXPECT_EQ(run(18).heat.trouble, "a look came to no end");
}

TEST_F(TrackingTest, AGuestThatIsGoneEndsItsLookAndItsCounting) {
    wide();
    start();
    run(2);
    EXPECT_EQ(best->running, 1);
    EXPECT_EQ(counter->watched.size(), 1U);
    guests.clear();
    tick();
    EXPECT_EQ(best->running, 0);
    EXPECT_TRUE(counter->watched.empty());
}

TEST_F(TrackingTest, OfAnotherProcessNothingIsKnown) {
    start();
    EXPECT_EQ(run(4).heat.looks, 1U);
    guests.clear();
    add_guest("u", 4343);
    EXPECT_EQ(run(1).heat.looks, 0U);
}

TEST_F(TrackingTest, GuestsTakeTurnsWhereLooksAreFew) {
    add_guest("v", 4343);
    add_guest("w", 4444);
    settings.period = {2s, 2s};
    start();
    run(1);
    best->slots = 1;
    run(13);
    for (const GuestSample& guest : last.guests)
        EXPECT_GE(guest.tracking.heat.looks, 3U) << guest.uuid;
}

TEST_F(TrackingTest, FaultsAreInducedOnlyWhereItMattersWhoTouchesWhat) {
    start();
    run(5);
    EXPECT_EQ(clear_refs(), "");
    EXPECT_TRUE(counter->watched.empty());
    wide();
    run(3);
    EXPECT_EQ(clear_refs(), "4");
    EXPECT_EQ(counter->watched.at(4242), 21);
}

TEST_F(TrackingTest, TwoRoundsTellWhoTouchesAChunk) {
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
    EXPECT_GE(seen.attribution.estimate, 200us) << "twice the faults of the round before";
    EXPECT_GE(seen.attribution.cost, 100us);
    EXPECT_EQ(seen.map.at(3).accessor, 1);
    EXPECT_EQ(seen.map.at(3).writes, 1000);
    ASSERT_TRUE(seen.touching);
    EXPECT_GT(seen.touching->at(1, 3), 0U);
    EXPECT_EQ(seen.touching->at(0, 3), 0U);
}

TEST_F(TrackingTest, WhatIsSeenInOneRoundIsOneObservation) {
    settings.look_time = 4s;
    settings.period = {60s, 60s};
    settings.heat_map = true;
    wide();
    start();
    while (clear_refs().empty())
        run(1);
    for (int i = 0; i < 3; ++i) {
        counter->counts = faults_of(1, 3);
        run(1);
    }
    EXPECT_EQ(last.guests[0].tracking.attribution.rounds, 1U);
    ASSERT_FALSE(last.guests[0].tracking.map.empty());
    for (const ChunkUse& use : last.guests[0].tracking.map)
        EXPECT_EQ(use.accessor, -1);
}

TEST_F(TrackingTest, FaultsThatComeAfterTheRoundThatCausedThemAreCharged) {
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

TEST_F(TrackingTest, FaultsThatFoundNoRoomAreTold) {
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

TEST_F(TrackingTest, ATrackerThatFailsAgainAndAgainIsLeftOutForAWhile) {
    settings.period = {2s, 4s};
    start();
    run(1);
    best->failure = "the kernel says no";
    run(14);
    EXPECT_EQ(best->begun, 3);
    EXPECT_GT(second->begun, 0);
    EXPECT_EQ(last.guests[0].tracking.heat.trouble, "fake: the kernel says no");
    best->failure.clear();
    run(170);
    EXPECT_GT(best->begun, 3);
    EXPECT_EQ(last.guests[0].tracking.heat.trouble, "");
}

TEST_F(TrackingTest, AGuestThatCannotBeReadForAMomentIsNotForgotten) {
    start();
    run(4);
    const auto process = std::exchange(guests[0].process, nullptr);
    run(1);
    guests[0].process = process;
    EXPECT_GE(run(1).heat.looks, 1U);
}

TEST_F(TrackingTest, AGuestThatWaitsSaysForWhat) {
    start();
    EXPECT_EQ(run(3, 10ms).heat.waits_for, "it has not used a second of CPU time yet");
    guests.clear();
    tick();
    add_guest("u", 4343);
    run(1, 5000ms);
    EXPECT_EQ(run(1, 10ms).heat.waits_for, "it is idle");
}

TEST_F(TrackingTest, WithSoftDirtyTrackingThereAreNoRounds) {
    settings.heat = HeatChoice::soft_dirty;
    wide();
    start();
    EXPECT_NE(run(6).attribution.trouble, "");
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(TrackingTest, ARoundWhoseCostIsNotKnownIsNotBegun) {
    directory.write("4242/smaps_rollup", "");
    wide();
    start();
    EXPECT_EQ(run(6).attribution.trouble, "how much of its memory is mapped cannot be read");
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(TrackingTest, ARoundThatIsNotWorthItsCostIsNotBegun) {
    directory.write("4242/smaps_rollup", "Rss: 400000000 kB\n");
    settings.longest_stall = 1min;
    wide();
    start();
    const TrackingSample& seen = run(6);
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(seen.attribution.trouble,
              "a round would take 505000 ms of CPU time, which is more than its budget allows");
}

TEST_F(TrackingTest, ARoundThatWouldHoldTheGuestUpForLongIsNotBegun) {
    settings.longest_stall = 1ms;
    directory.write("4242/smaps_rollup", "Rss: 80000 kB\n");
    wide();
    start();
    EXPECT_EQ(run(6).attribution.trouble,
              "a round holds it up for 2 ms, which is more than tracking.longest_stall");
    EXPECT_EQ(clear_refs(), "");
}

TEST_F(TrackingTest, WhereNothingMayBeTouchedOnlyFaultsThatHappenAnywayAreCounted) {
    settings.may_induce_faults = false;
    wide();
    start();
    run(3);
    counter->counts = faults_of(0, 0);
    const TrackingSample& seen = run(1);
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(seen.attribution.faults, 100U);
    EXPECT_NE(seen.attribution.trouble, "");
}

TEST_F(TrackingTest, WithoutACounterThereAreNoRoundsAndAReason) {
    counter_there = false;
    wide();
    start();
    EXPECT_EQ(run(5).attribution.trouble, "no counter");
    EXPECT_EQ(clear_refs(), "");
    EXPECT_EQ(last.tracking.missing.at("bpf"), "no counter");
}

TEST_F(TrackingTest, ACounterThatBreaksIsLoadedAgain) {
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

TEST_F(TrackingTest, WithoutAnyTrackerEveryGuestSaysWhy) {
    first_there = second_there = false;
    start();
    EXPECT_EQ(run(1).heat.trouble, "not there");
    EXPECT_STREQ(run(1).heat.tracker, "none");
}

TEST_F(TrackingTest, AMissingTrackerIsUsedOnceItIsThere) {
    first_there = false;
    start();
    run(3);
    EXPECT_EQ(last.tracking.missing.at("first"), "not there");
    first_there = true;
    run(40);
    EXPECT_TRUE(last.tracking.missing.empty());
    EXPECT_GT(best->begun, 0);
}

TEST_F(TrackingTest, MemoryThatChangesDuringALookEndsIt) {
    start();
    run(2);
    EXPECT_EQ(best->running, 1);
    guests[0].cells[0].blocks[0].host.size -= chunk;
    EXPECT_EQ(run(1).chunks, chunks - 1);
    EXPECT_EQ(last.guests[0].tracking.heat.looks, 0U);
}

TEST(PagesToFault, CountsAHugePageOnce) {
    EXPECT_EQ(count_pages_of("Rss:     8192 kB\nAnonHugePages:   4096 kB\nShmemPmdMapped: 2048 kB\n"
                             "Private_Hugetlb: 6144 kB\n"),
              512U + 3 + 3);
    EXPECT_EQ(count_pages_of(""), std::nullopt);
    EXPECT_EQ(count_pages_of("Rss: 18446744073709551615 kB\n"), std::uint64_t{1} << 38)
        << "more than any process has";
    EXPECT_EQ(count_pages_of("Rss: x kB\nAnonHugePages: 9 kB\n"), 0U);
}

}  // namespace
}  // namespace vnuma
