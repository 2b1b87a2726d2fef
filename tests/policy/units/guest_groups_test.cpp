// Groups, modes and priorities of guests.
#include <gtest/gtest.h>

#include "policy/learn.hpp"
#include "policy/verdict/explain.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

Snapshot grouped(Arrangement arrangement, std::vector<GuestState> guests, std::size_t nodes = 2) {
    for (GuestState& guest : guests)
        guest.policy.group = "g";
    Snapshot host = make_snapshot(make_topology(nodes, 4, 8 * gib), std::move(guests));
    host.groups = {{"g", arrangement}};
    return host;
}

TEST(Groups, TogetherHaveOneHome) {
    const Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {gib, 0}),
                                                          make_guest("b", 2, 900, {0, gib})});
    const Plan made = plan(host, {}, settings);
    ASSERT_TRUE(home_of(made, "a"));
    EXPECT_EQ(home_of(made, "a"), home_of(made, "b"));
}

TEST(Groups, WhoIsElsewhereJoinsTheOthers) {
    const Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {2 * gib, 0}),
                                                          make_guest("b", 2, 900, {0, gib})});
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "b").reason, Reason::with_group);
}

TEST(Groups, TogetherThatNoNodeHoldsAreSpreadAsNearAsCanBe) {
    const Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {5 * gib, 0}),
                                                          make_guest("b", 2, 900, {0, 5 * gib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
}

TEST(Groups, ApartAreOnDifferentNodes) {
    const Snapshot host = grouped(
        Arrangement::apart, {make_guest("a", 1, 50, {gib, 0}), make_guest("b", 1, 50, {gib, 0})});
    const Plan made = plan(host, {}, settings);
    EXPECT_NE(home_of(made, "a"), home_of(made, "b"));
    EXPECT_EQ(verdict_of(made, "a").alternative.value().lack, Lack::apart);
}

TEST(Groups, OfMembersThatShareAHomeTheOneThatCameLastGoes) {
    const Snapshot host = grouped(Arrangement::apart, {make_guest("a", 1, 50, {gib, 0}),
                                                       make_guest("b", 1, 50, {2 * gib, 0})});
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), -2000};
    history.cells[{"uuid-b", 0}] = {NodeIndex(0), -1000};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
}

TEST(Groups, MembersThatShareAHomeArePartedAndTheLargestStays) {
    Snapshot host = grouped(Arrangement::apart, {make_guest("a", 1, 50, {gib, 0}),
                                                 make_guest("b", 1, 50, {2 * gib, 0})});
    History history;
    for (const char* name : {"uuid-a", "uuid-b"})
        history.cells[{name, 0}] = {NodeIndex(0), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
    const Verdict& verdict = verdict_of(made, "a");
    EXPECT_EQ(verdict.reason, Reason::displaced);
    EXPECT_NE(explain(verdict, host.topology).find("node 0 has b, which its group"),
              std::string::npos)
        << explain(verdict, host.topology);
}

TEST(Groups, ApartIsAlsoFromAMemberThatIsLeftAlone) {
    std::vector<GuestState> guests{make_guest("a", 1, 50, {gib, 0}),
                                   make_guest("b", 1, 50, {gib, 0})};
    guests[0].unsteady = "it is migrating";
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    EXPECT_EQ(home_of(plan(grouped(Arrangement::apart, guests), history, settings), "b"),
              NodeIndex(1));
    guests[0].unsteady.clear();
    guests[0].policy.mode = Mode::observe;
    guests[0].cells[0].confined_to = NodeIndex(0);
    EXPECT_EQ(home_of(plan(grouped(Arrangement::apart, guests), {}, settings), "b"), NodeIndex(1));
}

TEST(Groups, ApartPartsGuestsAndNotTheCellsOfOne) {
    GuestState guest = make_guest("a", 1, 50, {gib, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    for (CellState& cell : guest.cells)
        cell.allowed = NodeSet::only(NodeIndex(0));
    const Plan made =
        plan(grouped(Arrangement::apart, {guest, make_guest("b", 1, 50, {gib, 0})}), {}, settings);
    EXPECT_EQ(verdict_of(made, "a", 0).home_node(), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "a", 1).home_node(), NodeIndex(0));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
}

TEST(Groups, TogetherAreWhereThereIsRoomForAll) {
    const auto planned = [](Bytes used_on_first, Bytes used_on_second) {
        Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {1600 * mib, 0}),
                                                        make_guest("b", 2, 900, {0, 1500 * mib})});
        host.topology.nodes[0].memory_available -= used_on_first;
        host.topology.nodes[1].memory_available -= used_on_second;
        History history;
        history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
        history.cells[{"uuid-b", 0}] = {NodeIndex(1), 0};
        return plan(host, history, settings);
    };
    const Plan second = planned(5 * gib, 4 * gib);
    EXPECT_EQ(home_of(second, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(second, "b"), NodeIndex(1));
    const Plan neither = planned(5 * gib, 5 * gib);
    EXPECT_EQ(home_of(neither, "a"), NodeIndex(0)) << "as near as can be";
    EXPECT_EQ(home_of(neither, "b"), NodeIndex(1));
}

TEST(Groups, TogetherLeaveOthersWhatTheyWerePromised) {
    // Node 0 has room for both only as long as c has not touched all that it may.
    Snapshot host = grouped(Arrangement::together,
                            {make_guest("a", 2, 900, {gib, 0}), make_guest("b", 2, 900, {0, gib}),
                             make_guest("c", 2, 900, {gib, 0})});
    host.guests[2].policy.group.clear();
    host.guests[2].cells[0].size = 6 * gib;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), 0};
    history.cells[{"uuid-c", 0}] = {NodeIndex(0), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::with_group);
}

TEST(Groups, TogetherAreWhereTheirPoolHasRoom) {
    std::vector<GuestState> guests{make_guest("a", 2, 900, {2 * gib, 0}),
                                   make_guest("b", 2, 900, {0, gib})};
    for (GuestState& guest : guests)
        guest.cells[0].huge_page = 2 * mib;
    Snapshot host = grouped(Arrangement::together, guests);
    host.topology.nodes[0].huge_available[2 * mib] = 0;
    host.topology.nodes[1].huge_available[2 * mib] = 0;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), 0};
    const Plan neither = plan(host, history, settings);
    EXPECT_EQ(home_of(neither, "a"), NodeIndex(0));
    EXPECT_EQ(home_of(neither, "b"), NodeIndex(1));
    host.topology.nodes[1].huge_available[2 * mib] = 2 * gib;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(1));
}

// Where it is one of two on node 0, and its own node is node 1.
NodeIndex home_beside_one_left_alone(GuestState other, const History& history) {
    const Snapshot host =
        grouped(Arrangement::together, {make_guest("a", 2, 900, {0, gib}), std::move(other)});
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::with_group);
    return home_of(made, "a").value();
}

TEST(Groups, TogetherIsAlsoWithAMemberThatIsLeftAlone) {
    GuestState other = make_guest("b", 2, 900, {gib, 0});
    other.unsteady = "it is paused";
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(1), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
    EXPECT_EQ(home_beside_one_left_alone(other, history), NodeIndex(0));
    other.unsteady.clear();
    other.policy.mode = Mode::observe;
    other.cells[0].confined_to = NodeIndex(0);
    history.cells.erase({"uuid-b", 0});
    EXPECT_EQ(home_beside_one_left_alone(other, history), NodeIndex(0));
}

TEST(Groups, TogetherStayWhereTheyAreWhenThereIsNoRoomBesideTheOneLeftAlone) {
    GuestState other = make_guest("b", 2, 900, {5 * gib, 0});
    other.unsteady = "it is paused";
    const Snapshot host =
        grouped(Arrangement::together, {make_guest("a", 2, 900, {0, 5 * gib}), other});
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(1), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(1));
}

TEST(Groups, WhoIsSwitchedOffDrawsNobody) {
    GuestState off = make_guest("b", 2, 900, {gib, 0});
    off.policy.mode = Mode::off;
    off.cells[0].confined_to = NodeIndex(0);
    const Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {0, gib}), off});
    EXPECT_EQ(home_of(plan(host, {}, settings), "a"), NodeIndex(1));
}

TEST(Groups, CoolDownAlsoWhenAMemberHasJustCome) {
    // Node 0 has others' work, and all three would go to node 1.
    Snapshot host = grouped(Arrangement::together, {make_guest("a", 1, 900, {100 * mib, 0}),
                                                    make_guest("b", 1, 900, {100 * mib, 0}),
                                                    make_guest("c", 1, 900, {10 * mib, 0})});
    host.topology.nodes[0].other_use = 4000;
    History history;
    for (const char* name : {"uuid-a", "uuid-b"})
        history.cells[{name, 0}] = {NodeIndex(0), -1000};
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(0));
    host.now += settings.cool_down;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(1));
}

TEST(Groups, MoreMembersThanNodesAreToldSo) {
    const Snapshot host = grouped(
        Arrangement::apart, {make_guest("a", 1, 50, {gib, 0}), make_guest("b", 1, 50, {gib, 0}),
                             make_guest("c", 1, 50, {gib, 0})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "c").reason, Reason::kept_apart);
    EXPECT_FALSE(home_of(made, "c"));
}

TEST(Modes, WhatIsOnlyWatchedIsToldAndNothingElse) {
    GuestState watched = make_guest("a", 2, 500, {gib, gib});
    watched.policy.mode = Mode::observe;
    const Snapshot host = make_snapshot(make_topology(2, 2, 4 * gib), {watched});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::first_home);
    EXPECT_FALSE(verdict_of(made, "a").acts);
    EXPECT_TRUE(made.actions.empty());
    EXPECT_TRUE(learn({}, host, made, {}).cells.empty());
}

TEST(Modes, WhatIsAdvisedIsWhatWouldBeDone) {
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

TEST(Modes, OthersArePlacedAroundWhatIsOnlyWatched) {
    // The watched guest fills node 0, where it is; it would be told to share node 1.
    GuestState watched = make_guest("a", 2, 1900, {gib, 0});
    watched.policy.mode = Mode::observe;
    watched.cells[0].confined_to = NodeIndex(0);
    const Snapshot host =
        make_snapshot(make_topology(2, 2, 4 * gib), {watched, make_guest("b", 2, 900, {gib, 0})});
    EXPECT_EQ(home_of(plan(host, {}, settings), "b"), NodeIndex(1));
}

TEST(Modes, AGuestSwitchedOffGetsItsCpusBack) {
    GuestState off = make_guest("a", 2, 500, {gib, gib});
    off.policy.mode = Mode::off;
    off.cells[0].pinned = true;
    const Plan made = plan(make_snapshot(make_topology(2, 2, 4 * gib), {off}), {}, settings);
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::off);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(made.actions[0]));
}

TEST(Modes, AGuestThatIsOnlyWatchedFromNowOnGetsItsCpusBack) {
    GuestState watched = make_guest("a", 2, 500, {gib, gib});
    watched.policy.mode = Mode::observe;
    watched.cells[0].pinned = true;
    const Plan made = plan(make_snapshot(make_topology(2, 2, 4 * gib), {watched}), {}, settings);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(made.actions[0]));
}

TEST(Modes, AGuestThatIsLeftAloneAndOnlyWatchedGetsItsCpusBackToo) {
    GuestState guest = make_guest("a", 2, 500, {gib, gib});
    guest.unsteady = "someone else changed the CPUs of vCPU 0";
    guest.cells[0].pinned = true;
    Snapshot host = make_snapshot(make_topology(2, 2, 4 * gib), {guest});
    EXPECT_TRUE(plan(host, {}, settings).actions.empty()) << "it may be for a moment";
    host.guests[0].policy.mode = Mode::observe;
    const Plan made = plan(host, {}, settings);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(made.actions[0]));
}

TEST(Groups, ApartFromAWideGuestAlsoWhileThatIsLeftAlone) {
    GuestState wide = make_wide_guest("w", {0, 0, 1, 1}, 3, {0, 0, 2, 2});
    wide.unsteady = "it is paused";
    Snapshot host = grouped(Arrangement::apart, {wide, make_guest("b", 1, 500, {gib, 0, 0})}, 3);
    History history;
    history.cells[{"uuid-w", 0, 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-w", 0, 1}] = {NodeIndex(1), 0};
    EXPECT_EQ(home_of(plan(host, history, settings), "b"), NodeIndex(2));
}

TEST(Groups, WhoFindsNoRoomBesideAMemberIsNotCalledKeptApart) {
    Snapshot host = grouped(Arrangement::apart, {make_guest("a", 1, 50, {7 * gib, 0}),
                                                 make_guest("b", 1, 50, {100 * mib, 0})});
    host.guests[1].cells[0].size = 5 * gib;
    host.topology.nodes[1].memory_available = gib;  // others fill it
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "b").reason, Reason::no_room);
}

TEST(Priority, DecidesWhoGetsTheBetterNode) {
    // Room for one beside its memory; both have all of theirs on node 0.
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
