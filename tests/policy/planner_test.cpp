#include "policy/planner.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "policy/learn.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

TEST(Planner, TwoGuestsOnOneNodeAreSpread) {
    const Snapshot host = make_snapshot(
        make_topology(2, 2, 2 * gib),
        {make_guest("a", 2, 500, {0, 400 * mib}), make_guest("b", 2, 500, {0, 400 * mib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_NE(home_of(made, "a"), home_of(made, "b"));
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::first_home);
}

TEST(Planner, AGuestGoesToTheNodeWithMostOfItsMemory) {
    const Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 1000, {gib, 5 * gib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(verdict_of(made, "a").home.value().to_move, gib);
    ASSERT_EQ(made.actions.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<PinCell>(made.actions[0])) << "pins come first";
    EXPECT_EQ(std::get<MoveMemory>(made.actions[1]).to, NodeIndex(1));
}

TEST(Planner, TheVcpusOfALargeGuestGoToItsMemory) {
    const Snapshot host = make_snapshot(
        make_topology(2, 8, 512 * gib),
        {make_guest("huge", 4, 3000, {0, 256 * gib}), make_guest("small", 4, 3000, {0, gib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "huge"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "small"), NodeIndex(0));
}

TEST(Planner, VcpusGoToImmovableMemory) {
    Snapshot host =
        make_snapshot(make_topology(2, 8, 64 * gib), {make_guest("vfio", 2, 2000, {gib, 9 * gib})});
    host.guests[0].cells[0].movable = false;
    const Plan made = plan(host, history_with(host, NodeIndex(0), -1'000'000), settings);
    EXPECT_EQ(home_of(made, "vfio"), NodeIndex(1));
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<PinCell>(made.actions[0]));
}

TEST(Planner, HomesAreOnAllowedNodes) {
    Snapshot host = make_snapshot(
        make_topology(2, 2, 2 * gib),
        {make_guest("a", 2, 500, {0, 400 * mib}), make_guest("b", 2, 500, {0, 400 * mib})});
    NodeSet only_first;
    only_first.insert(NodeIndex(0));
    host.guests[0].cells[0].allowed = only_first;
    host.guests[1].cells[0].allowed = NodeSet();
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "b").reason, Reason::not_allowed);
}

TEST(Planner, AGuestLargerThanANodeIsLeftAlone) {
    const Snapshot host = make_snapshot(make_topology(2, 2, 2 * gib),
                                        {make_guest("many-vcpus", 3, 500, {0, mib}),
                                         make_guest("much-memory", 1, 500, {gib, gib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "many-vcpus").reason, Reason::too_large);
    EXPECT_EQ(verdict_of(made, "much-memory").reason, Reason::too_large);
    EXPECT_TRUE(made.actions.empty());
}

TEST(Planner, ANodeIsFilledUpToItsWatermarkOnly) {
    Topology topology = make_topology(2, 8, 10 * gib);
    topology.nodes[0].memory_available = gib;  // other processes use the rest
    const Snapshot host = make_snapshot(
        topology, {make_guest("a", 2, 1000, {0, 3 * gib}), make_guest("b", 2, 1000, {0, 3 * gib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
}

TEST(Planner, WithoutANodeWithRoomThereIsNoHome) {
    Topology topology = make_topology(2, 8, 10 * gib);
    for (HostNode& node : topology.nodes)
        node.memory_available = 3 * gib;
    const Snapshot host = make_snapshot(topology, {make_guest("a", 2, 1000, {3 * gib, 3 * gib})});
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").reason, Reason::no_room);
}

TEST(Planner, TheMemoryOfACellWithoutVcpusIsMovedToOneNode) {
    Snapshot host = make_snapshot(make_topology(2, 4, 4 * gib),
                                  {make_guest("a", 0, 0, {100 * mib, 400 * mib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    ASSERT_EQ(made.actions.size(), 1U) << "there is nothing to pin";
    EXPECT_TRUE(std::holds_alternative<MoveMemory>(made.actions[0]));
    const History history = learn({}, host, made, {});
    const Plan next = plan(simulate(host, made), history, settings);
    EXPECT_EQ(verdict_of(next, "a").reason, Reason::settled);
}

TEST(Planner, NodesWithoutCpusAreNotHomesNorAreThoseWithoutMemoryBesideOthersWithRoom) {
    Topology topology = make_topology(4, 2, 4 * gib);
    topology.nodes[1].cpus = 0;
    topology.nodes[1].cpu_capacity = 0;
    topology.nodes[2].memory_total = topology.nodes[2].memory_available = 0;
    const Snapshot host = make_snapshot(topology, {make_guest("a", 2, 1500, {0, gib, 0, 0}),
                                                   make_guest("b", 2, 1500, {0, gib, 0, 0})});
    const Plan made = plan(host, {}, settings);
    for (const char* name : {"a", "b"})
        EXPECT_TRUE(home_of(made, name) == NodeIndex(0) || home_of(made, name) == NodeIndex(3));
    EXPECT_NE(home_of(made, "a"), home_of(made, "b"));
}

TEST(Planner, UnsteadyGuestsGetNoActions) {
    Snapshot host = make_snapshot(make_topology(2, 2, 2 * gib),
                                  {make_guest("a", 2, 500, {200 * mib, 200 * mib})});
    host.guests[0].unsteady = "it is paused";
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::unsteady);
    EXPECT_TRUE(made.actions.empty());
}

TEST(Planner, OnAHostOfOneNodeThereIsNothingToDo) {
    const Snapshot host =
        make_snapshot(make_topology(1, 2, 2 * gib), {make_guest("a", 2, 500, {200 * mib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::one_node);
    EXPECT_TRUE(made.actions.empty());
}

TEST(Planner, AHomeNeedsRoomForUnallocatedMemory) {
    Snapshot host =
        make_snapshot(make_topology(2, 8, 10 * gib),
                      {make_guest("a", 2, 500, {gib, 0}), make_guest("b", 2, 500, {gib, 0}),
                       make_guest("c", 2, 500, {gib, 0})});
    host.guests[0].cells[0].size = 6 * gib;
    host.guests[1].cells[0].size = 6 * gib;
    host.guests[2].cells[0].size = 12 * gib;
    const Plan made = plan(host, {}, settings);
    EXPECT_NE(home_of(made, "a"), home_of(made, "b"));
    EXPECT_EQ(verdict_of(made, "c").reason, Reason::too_large);
}

TEST(Planner, ACellThatNoLongerFitsItsHomeIsUnpinned) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 10 * gib), {make_guest("grown", 6, 500, {gib, 0})});
    host.guests[0].cells[0].confined_to = NodeIndex(0);
    EXPECT_TRUE(plan(host, {}, settings).actions.empty()) << "vnumad has not pinned it";
    host.guests[0].cells[0].pinned = true;
    const Plan made = plan(host, history_with(host, NodeIndex(0), 0), settings);
    EXPECT_EQ(verdict_of(made, "grown").reason, Reason::too_large);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(made.actions[0]));
    EXPECT_TRUE(plan(simulate(host, made), {}, settings).actions.empty());
}

TEST(CellsOfOneGuest, GoToDifferentNodes) {
    GuestState guest = make_guest("wide", 2, 1000, {gib, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    const Snapshot host = make_snapshot(make_topology(2, 4, 64 * gib), {guest});
    const Plan made = plan(host, {}, settings);
    EXPECT_NE(verdict_of(made, "wide", 0).home_node(), verdict_of(made, "wide", 1).home_node());
}

TEST(CellsOfOneGuest, GoToDifferentNodesEvenIfIdle) {
    GuestState guest = make_guest("a", 1, 0, {gib / 4, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    const Plan made = plan(make_snapshot(make_topology(2, 4, 64 * gib), {guest}), {}, settings);
    EXPECT_NE(verdict_of(made, "a", 0).home_node(), verdict_of(made, "a", 1).home_node());
}

// A guest that boots uses one vCPU only.
TEST(CellsOfOneGuest, GoToDifferentNodesIfOnlyOneIsBusy) {
    GuestState guest = make_guest("a", 1, 1000, {gib / 4, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    guest.cells[1].cpu_use = 100;
    const Plan made = plan(make_snapshot(make_topology(2, 2, 64 * gib), {guest}), {}, settings);
    EXPECT_NE(verdict_of(made, "a", 0).home_node(), verdict_of(made, "a", 1).home_node());
}

// With so little load crowding costs nearly nothing, and the memory of one cell has to move.
TEST(CellsOfOneGuest, GoToDifferentNodesEvenIfHardlyBusy) {
    GuestState guest = make_guest("a", 1, 300, {gib / 4, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    Topology host = make_topology(2, 2, 64 * gib);
    host.nodes[1].other_use = 400;
    const Plan made = plan(make_snapshot(host, {guest}), {}, settings);
    EXPECT_NE(verdict_of(made, "a", 0).home_node(), verdict_of(made, "a", 1).home_node());
}

TEST(CellsOfOneGuest, ShareANodeIfOneHasNoVcpus) {
    GuestState guest = make_guest("a", 4, 4000, {gib, 0});
    CellState memory = guest.cells[0];
    memory.key.cell = 1;
    memory.vcpus = 0;
    memory.cpu_use = 0;
    guest.cells.push_back(memory);
    const Plan made = plan(make_snapshot(make_topology(2, 8, 8 * gib), {guest}), {}, settings);
    EXPECT_EQ(verdict_of(made, "a", 0).home_node(), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "a", 1).home_node(), NodeIndex(0));
}

}  // namespace
}  // namespace vnuma
