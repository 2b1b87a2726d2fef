#include "src/look_interval.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using std::chrono::milliseconds;

class LookIntervalTest : public ::testing::Test {
  protected:
    LookIntervalTest() {
        tick.look = std::make_shared<Look>();
        tick.snapshot.topology.nodes.resize(2);
        for (HostNode& node : tick.snapshot.topology.nodes)
            node.cpu_capacity = 8000;
        GuestState guest;
        guest.uuid = "a";
        guest.cells.emplace_back();
        guest.cells[0].key = {"a", 0};
        guest.cells[0].confined_to = NodeIndex(0);
        guest.cells[0].cpu_use = 2000;
        tick.snapshot.guests = {guest};
        Verdict verdict;
        verdict.key = {"a", 0};
        verdict.home = Home{NodeIndex(0)};
        tick.plan.verdicts = {verdict};
    }

    std::int64_t after() { return interval.after(tick).count(); }
    // As long as it becomes.
    void settle() {
        for (int i = 0; i < 10; ++i)
            after();
        ASSERT_EQ(after(), 16'000);
    }
    // Whether the next tick comes soon, and the one after it later.
    void expect_a_change() {
        EXPECT_EQ(after(), 2000);
        EXPECT_EQ(after(), 4000) << "nothing has changed since";
    }

    Tick tick;
    LookInterval interval{milliseconds(2000), milliseconds(16'000)};
};

TEST_F(LookIntervalTest, DoublesWhileNothingChanges) {
    EXPECT_EQ(after(), 500) << "the first look at a guest";
    EXPECT_EQ(after(), 4000);
    EXPECT_EQ(after(), 8000);
    EXPECT_EQ(after(), 16'000);
    EXPECT_EQ(after(), 16'000);
    interval.restart();
    EXPECT_EQ(after(), 4000);
}

TEST_F(LookIntervalTest, IsShortAgainWhenTheLoadOfAGuestChanges) {
    settle();
    tick.snapshot.guests[0].cells[0].cpu_use += 200;
    EXPECT_EQ(after(), 16'000) << "a little";
    tick.snapshot.guests[0].cells[0].cpu_use += 200;
    expect_a_change();
}

TEST_F(LookIntervalTest, IsShortAgainWhenTheLoadOfANodeChanges) {
    settle();
    tick.snapshot.topology.nodes[1].other_use = 1000;
    EXPECT_EQ(after(), 16'000) << "an eighth";
    tick.snapshot.topology.nodes[1].other_use = 1001;
    expect_a_change();
}

TEST_F(LookIntervalTest, IsShortAgainWhenAGuestComesOrIsLeftAlone) {
    settle();
    tick.snapshot.guests[0].unsteady = "it is paused";
    expect_a_change();
    settle();
    GuestState other;
    other.uuid = "b";
    tick.snapshot.guests.push_back(other);
    EXPECT_EQ(after(), 500);
    EXPECT_EQ(after(), 4000);
}

TEST_F(LookIntervalTest, IsShortAgainWhenThePlanChangesOrActs) {
    settle();
    tick.plan.verdicts[0].home->node = NodeIndex(1);
    expect_a_change();
    settle();
    tick.plan.verdicts[0].home->cost += 7;
    EXPECT_EQ(after(), 16'000) << "figures differ a little in each tick";
    tick.plan.actions.emplace_back(PinCell{{"a", 0}, NodeIndex(1)});
    EXPECT_EQ(after(), 2000);
    EXPECT_EQ(after(), 2000) << "as long as something is done";
}

TEST_F(LookIntervalTest, IsShortWhileAScanIsUnderWayAndAsLongAsBeforeAfterwards) {
    settle();
    auto look = std::make_shared<Look>();
    look->sample.guests.resize(1);
    look->sample.guests[0].tracking.under_way = true;
    const auto quiet = std::exchange(tick.look, look);
    EXPECT_EQ(after(), 2000);
    EXPECT_EQ(after(), 2000);
    tick.look = quiet;
    EXPECT_EQ(after(), 16'000);
}

TEST_F(LookIntervalTest, IsNotLongerThanAVerdictWaits) {
    settle();
    tick.plan.verdicts[0].wait = 5000;
    EXPECT_EQ(after(), 5000);
    tick.plan.verdicts[0].wait = 10;
    EXPECT_EQ(after(), 2000);
}

TEST_F(LookIntervalTest, IsShortWhileNothingCanBeSeen) {
    settle();
    tick.blind = "libvirt does not answer";
    tick.look = nullptr;
    EXPECT_EQ(after(), 2000);
    EXPECT_EQ(after(), 2000);
}

}  // namespace
}  // namespace vnuma
