// Which tracker scans a guest, and what is reported where none can.
#include <set>

#include "tests/guests/tracking/fake_tracking.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;
using namespace test;
using TrackerChoice = TrackingTest;

TEST_F(TrackerChoice, AScanThatWouldHoldUpTheGuestForTooLongDoesNotBegin) {
    settings.longest_stall = 10ms;
    start();
    run(1);
    best->stalls = 10'001us;
    EXPECT_GE(run(6).heat.scans, 1U);
    EXPECT_EQ(best->begun, 0);
    second->stalls = 20ms;
    EXPECT_EQ(run(9).heat.trouble,
              "a scan by fake would hold up the guest for 11 ms, which is more than "
              "tracking.longest_stall");
}

TEST_F(TrackerChoice, TheNextBestTrackerScansWhereTheBestCannot) {
    start();
    run(1);
    best->reason = "not this one";
    run(4);
    EXPECT_EQ(best->begun, 0);
    EXPECT_GE(second->begun, 1);
}

TEST_F(TrackerChoice, AGuestThatNoTrackerCanScanSaysWhy) {
    start();
    run(1);
    best->reason = "not this one";
    second->reason = "nor that one";
    EXPECT_EQ(run(3).heat.trouble, "not this one");
    EXPECT_STREQ(run(1).heat.tracker, "none");
}

TEST_F(TrackerChoice, GuestsTakeTurnsWhereATrackerHasFewScansAtOnce) {
    add_guest("v", 4343);
    add_guest("w", 4444);
    settings.period = {2s, 2s};
    start();
    run(1);
    best->slots = 1;
    run(13);
    std::set<std::string> waiting_for;
    for (const GuestSample& guest : last.guests) {
        EXPECT_GE(guest.tracking.heat.scans, 3U) << guest.uuid;
        waiting_for.insert(guest.tracking.heat.waits_for);
    }
    EXPECT_TRUE(waiting_for.contains("fake already runs as many scans as it can"));
}

TEST_F(TrackerChoice, ATrackerThatFailsThreeTimesInARowPauses) {
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

TEST_F(TrackerChoice, WhenAllTrackersFailAllOfThemPause) {
    settings.period = {2s, 4s};
    start();
    run(1);
    best->failure = second->failure = "the kernel says no";
    run(60);
    EXPECT_LE(best->begun, 3);
    EXPECT_LE(second->begun, 3);
    EXPECT_STREQ(last.guests[0].tracking.heat.tracker, "none");
    EXPECT_EQ(last.guests[0].tracking.heat.trouble, "fake: the kernel says no");
}

TEST_F(TrackerChoice, AGuestThatIsOnlyObservedIsNotDisturbed) {
    start();
    run(1);
    best->side_effect_text = "holds up the guest";
    run(4);
    EXPECT_EQ(best->begun, 0);
    EXPECT_GE(second->begun, 1) << "it has no side effect";
    second->side_effect_text = "holds up the guest, too";
    EXPECT_EQ(run(3).heat.trouble,
              "fake holds up the guest, and vnumad may only observe this guest");
    hints["u"].may_disturb = true;
    run(4);
    EXPECT_GE(best->begun, 1);
}

TEST_F(TrackerChoice, WhereNothingIsTrackedTheReasonIsReported) {
    settings.disabled_reason = "ticks are too rare";
    settings.attribution = false;
    tracking.emplace(settings, std::vector<TrackerCandidate>(), nullptr);
    EXPECT_EQ(run(1).heat.trouble, "ticks are too rare");
    EXPECT_EQ(last.tracking.missing.at("bpf"), "ticks are too rare");
}

TEST_F(TrackerChoice, WhereVnumadActsOnNoGuestFaultsAreNotCounted) {
    settings.may_disturb = false;
    const auto loader = [](std::string&) -> std::unique_ptr<FaultCounter> {
        ADD_FAILURE() << "the counter needs capabilities that such a vnumad does not have";
        return nullptr;
    };
    tracking.emplace(settings, std::vector<TrackerCandidate>(), loader);
    run(1);
    EXPECT_EQ(last.tracking.missing.at("bpf"), "accesses are attributed in mode \"act\" only");
}

TEST_F(TrackerChoice, WithoutAnyTrackerEveryGuestReportsWhy) {
    first_there = second_there = false;
    start();
    EXPECT_EQ(run(1).heat.trouble, "not there");
    EXPECT_STREQ(run(1).heat.tracker, "none");
}

TEST_F(TrackerChoice, AMissingTrackerIsUsedOnceItIsThere) {
    first_there = false;
    start();
    run(3);
    EXPECT_EQ(last.tracking.missing.at("first"), "not there");
    first_there = true;
    run(40);
    EXPECT_TRUE(last.tracking.missing.empty());
    EXPECT_GT(best->begun, 0);
}

}  // namespace
}  // namespace vnuma
