// Groups, modes and priorities of guests.
#include <gtest/gtest.h>

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

std::optional<NodeIndex> home_of(const Plan& plan, const std::string& name) {
    return verdict_of(plan, name).home;
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
    EXPECT_EQ(verdict_of(made, "a").lack, Lack::apart);
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
    EXPECT_NE(explain(verdict, host.topology).find("node 0, which has a member of its group"),
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
    EXPECT_EQ(verdict_of(made, "a", 0).home, NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "a", 1).home, NodeIndex(0));
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

TEST(Memory, OfAGuestThatHardlyUsesItStaysWhereItIs) {
    GuestState idle = make_guest("a", 2, 1, {gib, 7 * gib});
    const Topology topology = make_topology(2, 4, 32 * gib);
    NodeSet first;
    first.insert(NodeIndex(0));
    idle.cells[0].allowed = first;
    const Plan lazy = plan(make_snapshot(topology, {idle}), {}, settings);
    EXPECT_EQ(verdict_of(lazy, "a").to_move, 0);
    EXPECT_EQ(verdict_of(lazy, "a").left_away, 7 * gib);
    idle.policy.memory = MemoryPolicy::eager;
    const Plan eager = plan(make_snapshot(topology, {idle}), {}, settings);
    EXPECT_EQ(verdict_of(eager, "a").to_move, 7 * gib);
}

// At home on node 0, with 6 GiB on node 1 that it hardly uses.
GuestState lazy_guest() {
    GuestState idle = make_guest("a", 2, 1, {gib, 6 * gib});
    idle.cells[0].allowed = NodeSet::only(NodeIndex(0));
    return idle;
}

TEST(Memory, ThatStaysBehindFillsTheNodeItIsOn) {
    // Beside it node 1 has no room for 4 GiB, and node 0 has.
    const Snapshot host = make_snapshot(make_topology(2, 4, 8 * gib),
                                        {lazy_guest(), make_guest("b", 2, 900, {gib, 0})});
    Snapshot growing = host;
    growing.guests[1].cells[0].size = 4 * gib;
    const Plan made = plan(growing, {}, settings);
    EXPECT_EQ(verdict_of(made, "a").left_away, 6 * gib);
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
}

TEST(Memory, ThatStaysBehindOnANodeThatIsShortComesHome) {
    Snapshot host = make_snapshot(make_topology(2, 4, 32 * gib), {lazy_guest()});
    host.topology.nodes[1].memory_available = 100 * mib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").to_move, 6 * gib);
    host.topology.nodes[0].memory_available = 100 * mib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").to_move, 0) << "both are short";
}

TEST(Memory, OfAnEagerGuestIsCountedAsMoved) {
    GuestState eager = make_guest("a", 2, 1, {gib, 7 * gib});
    eager.policy.memory = MemoryPolicy::eager;
    const Plan made = plan(make_snapshot(make_topology(2, 4, 32 * gib), {eager}), {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1)) << "which takes a seventh of the moving";
}

TEST(Memory, ThatStaysBehindComesHomeOnlyWhereThereIsRoom) {
    Snapshot host = make_snapshot(make_topology(2, 4, 8 * gib), {lazy_guest()});
    host.topology.nodes[1].memory_available = 100 * mib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").to_move, 6 * gib);
    host.topology.nodes[0].memory_available = 6 * gib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").to_move, 0);
}

TEST(Memory, ThatAGuestLeftAloneMayStillTouchIsItsOwn) {
    GuestState paused = make_guest("a", 2, 0, {gib, 0});
    paused.unsteady = "it is paused";
    paused.cells[0].size = 6 * gib;
    paused.cells[0].confined_to = NodeIndex(0);
    GuestState other = make_guest("b", 2, 500, {gib, 0});
    other.cells[0].size = 4 * gib;
    const Snapshot host = make_snapshot(make_topology(2, 4, 8 * gib), {paused, other});
    EXPECT_EQ(home_of(plan(host, {}, settings), "b"), NodeIndex(1));
}

TEST(Pressure, IsNoReasonToGoWhereItRelievesNothing) {
    // Both nodes are short. Its memory cannot move, and a little less load is no reason.
    GuestState guest = make_guest("a", 2, 500, {gib, gib});
    guest.cells[0].movable = false;
    Snapshot host = make_snapshot(make_topology(2, 4, 8 * gib), {guest});
    for (HostNode& node : host.topology.nodes)
        node.memory_available = 100 * mib;
    host.topology.nodes[0].other_use = 500;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(0));
    host.topology.nodes[1].memory_available = 6 * gib;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(0)) << "it leaves nothing";
    host.guests[0].cells[0].movable = true;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(1));
}

TEST(Pressure, IsRelievedByWhoReallyFillsTheNode) {
    // The idle one is at home on the full node, and all it has is on the other.
    GuestState idle = make_guest("a", 2, 1, {0, 2 * gib});
    Snapshot host =
        make_snapshot(make_topology(2, 8, 16 * gib), {idle, make_guest("b", 2, 500, {gib, 0})});
    host.topology.nodes[0].memory_available = 100 * mib;
    History history;
    for (const char* name : {"a", "b"})
        history.cells[{std::string("uuid-") + name, 0}] = {NodeIndex(0), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(verdict_of(made, "b").reason, Reason::relief);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
}

TEST(Pressure, IsRelievedBeforeLocality) {
    // Others have filled node 0 beyond its watermark.
    Topology topology = make_topology(2, 8, 16 * gib);
    topology.nodes[0].memory_available = 5 * gib;
    Snapshot host = make_snapshot(
        topology, {make_guest("a", 2, 500, {4 * gib, 0}), make_guest("b", 2, 500, {gib, 0})});
    host.topology.nodes[0].memory_available = 100 * mib;
    History history;
    for (const char* name : {"a", "b"})
        history.cells[{std::string("uuid-") + name, 0}] = {NodeIndex(0), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(verdict_of(made, "b").reason, Reason::relief) << "the smaller one suffices";
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
}

TEST(Devices, PullTheirGuest) {
    GuestState guest = make_guest("a", 2, 500, {100 * mib, 100 * mib});
    guest.devices = {NodeIndex(1)};
    const Topology topology = make_topology(2, 4, 8 * gib);
    EXPECT_EQ(home_of(plan(make_snapshot(topology, {guest}), {}, settings), "a"), NodeIndex(1));
}

TEST(Cells, ThatTheGuestIsToldAreNearAreOnNearNodes) {
    // A ring of four nodes, and a guest that is told of a ring: 0-1-2-3.
    Topology topology = make_topology(4, 2, 8 * gib);
    GuestState guest = make_guest("a", 2, 1500, {200 * mib, 0, 0, 0});
    for (std::size_t a = 0; a < 4; ++a) {
        guest.distances.emplace_back(4, 40);
        for (std::size_t b = 0; b < 4; ++b) {
            const std::size_t hops = std::min((a + 4 - b) % 4, (b + 4 - a) % 4);
            topology.distances[a][b] = hops == 0 ? 10 : hops == 1 ? 16 : 22;
            guest.distances[a][b] = hops == 0 ? 10 : hops == 1 ? 12 : 40;
        }
    }
    for (int cell = 1; cell < 4; ++cell) {
        guest.cells.push_back(guest.cells[0]);
        guest.cells.back().key.cell = cell;
    }
    const Plan made = plan(make_snapshot(topology, {guest}), {}, settings);
    for (int cell = 0; cell < 4; ++cell) {
        const NodeIndex here = verdict_of(made, "a", cell).home.value(),
                        next = verdict_of(made, "a", (cell + 1) % 4).home.value();
        EXPECT_EQ(topology.distances[here][next], 16) << "cell " << cell;
    }
}

TEST(Balance, ALittleLessLoadIsNoReasonToMove) {
    PlannerSettings without_cool_down;
    without_cool_down.cool_down = 0;
    const auto planned = [&](MilliCpu other) {
        const Snapshot host =
            make_snapshot(make_topology(2, 8, 64 * gib), {make_guest("a", 2, 400, {8 * mib, 0}),
                                                          make_guest("b", 4, 3600, {gib, 0}),
                                                          make_guest("c", 4, other, {0, gib})});
        History history;
        history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
        history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
        history.cells[{"uuid-c", 0}] = {NodeIndex(1), 0};
        return plan(host, history, without_cool_down);
    };
    EXPECT_EQ(home_of(planned(3400), "a"), NodeIndex(0));
    EXPECT_EQ(verdict_of(planned(3400), "a").lack, Lack::balance);
    EXPECT_EQ(home_of(planned(1000), "a"), NodeIndex(1));
}

}  // namespace
}  // namespace vnuma
