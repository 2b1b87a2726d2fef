// Modes and priorities of guests.
#include <gtest/gtest.h>

#include "policy/learn.hpp"
#include "policy/planner.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

TEST(Modes, AnObservedGuestGetsAVerdictAndNoActions) {
    GuestState observed = make_guest("a", 2, 500, {gib, gib});
    observed.policy.mode = Mode::observe;
    const Snapshot host = make_snapshot(make_topology(2, 2, 4 * gib), {observed});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::first_home);
    EXPECT_FALSE(verdict_of(made, "a").acts);
    EXPECT_TRUE(made.actions.empty());
    EXPECT_TRUE(learn({}, host, made, {}).cells.empty());
}

TEST(Modes, TheAdvisedActionsAreThoseThatWouldBeTaken) {
    GuestState guest = make_guest("a", 2, 500, {gib, gib});
    Snapshot host = make_snapshot(make_topology(2, 2, 4 * gib), {guest});
    const std::vector<Action> done = plan(host, {}, settings).actions;
    ASSERT_EQ(done.size(), 2U);
    host.guests[0].policy.mode = Mode::advise;
    const Plan advised = plan(host, {}, settings);
    EXPECT_EQ(advised.advised, done);
    EXPECT_TRUE(advised.actions.empty());
    host.guests[0].policy.mode = Mode::observe;
    EXPECT_TRUE(plan(host, {}, settings).advised.empty());
}

TEST(Modes, OthersArePlacedAroundAnObservedGuest) {
    // The observed guest uses all CPUs of node 0.
    GuestState observed = make_guest("a", 2, 1900, {gib, 0});
    observed.policy.mode = Mode::observe;
    observed.cells[0].confined_to = NodeIndex(0);
    const Snapshot host =
        make_snapshot(make_topology(2, 2, 4 * gib), {observed, make_guest("b", 2, 900, {gib, 0})});
    EXPECT_EQ(home_of(plan(host, {}, settings), "b"), NodeIndex(1));
}

TEST(Modes, AGuestInModeOffIsUnpinned) {
    GuestState off = make_guest("a", 2, 500, {gib, gib});
    off.policy.mode = Mode::off;
    off.cells[0].pinned = true;
    const Plan made = plan(make_snapshot(make_topology(2, 2, 4 * gib), {off}), {}, settings);
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::off);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(made.actions[0]));
}

TEST(Modes, AGuestThatIsOnlyObservedFromNowOnIsUnpinned) {
    GuestState observed = make_guest("a", 2, 500, {gib, gib});
    observed.policy.mode = Mode::observe;
    observed.cells[0].pinned = true;
    const Plan made = plan(make_snapshot(make_topology(2, 2, 4 * gib), {observed}), {}, settings);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(made.actions[0]));
}

TEST(Modes, AnUnsteadyGuestIsUnpinnedOnlyIfItIsObserved) {
    GuestState guest = make_guest("a", 2, 500, {gib, gib});
    guest.unsteady = "someone else changed the CPUs of vCPU 0";
    guest.cells[0].pinned = true;
    Snapshot host = make_snapshot(make_topology(2, 2, 4 * gib), {guest});
    EXPECT_TRUE(plan(host, {}, settings).actions.empty())
        << "it may be unsteady for a short time only";
    host.guests[0].policy.mode = Mode::observe;
    const Plan made = plan(host, {}, settings);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(made.actions[0]));
}

TEST(Priority, DecidesWhichGuestGetsTheBetterNode) {
    // Node 0 has all memory of both, and CPUs for one of them.
    std::vector<GuestState> guests{make_guest("a", 4, 3500, {3 * gib, 0}),
                                   make_guest("b", 4, 3500, {3 * gib, 0})};
    for (GuestState& guest : guests)
        guest.cells[0].movable = false;
    const Topology topology = make_topology(2, 4, 8 * gib);
    for (const int favourite : {0, 1}) {
        for (int g : {0, 1})
            guests[static_cast<std::size_t>(g)].policy.priority = g == favourite ? 100 : -100;
        const Plan made = plan(make_snapshot(topology, guests), {}, settings);
        EXPECT_EQ(home_of(made, favourite == 0 ? "a" : "b"), NodeIndex(0));
        EXPECT_EQ(home_of(made, favourite == 0 ? "b" : "a"), NodeIndex(1));
    }
}

}  // namespace
}  // namespace vnuma
