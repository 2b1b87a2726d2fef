// Room on nodes, memory that stays off the home, and relief of nodes above their watermark.
#include <gtest/gtest.h>

#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

TEST(Memory, ThatALazyGuestHardlyUsesStaysWhereItIs) {
    GuestState idle = make_guest("a", 2, 1, {gib, 7 * gib});
    const Topology topology = make_topology(2, 4, 32 * gib);
    NodeSet first;
    first.insert(NodeIndex(0));
    idle.cells[0].allowed = first;
    const Plan lazy = plan(make_snapshot(topology, {idle}), {}, settings);
    EXPECT_EQ(verdict_of(lazy, "a").home.value().to_move, 0);
    EXPECT_EQ(verdict_of(lazy, "a").home.value().left_away, 7 * gib);
    idle.policy.memory = MemoryPolicy::eager;
    const Plan eager = plan(make_snapshot(topology, {idle}), {}, settings);
    EXPECT_EQ(verdict_of(eager, "a").home.value().to_move, 7 * gib);
}

// A guest that may only use node 0, and has 6 GiB on node 1 that it hardly uses.
GuestState lazy_guest() {
    GuestState idle = make_guest("a", 2, 1, {gib, 6 * gib});
    idle.cells[0].allowed = NodeSet::only(NodeIndex(0));
    return idle;
}

TEST(Memory, ThatStaysOffTheHomeTakesRoomOnItsNode) {
    // Together with these 6 GiB, node 1 has no room for 4 GiB. Node 0 has.
    const Snapshot host = make_snapshot(make_topology(2, 4, 8 * gib),
                                        {lazy_guest(), make_guest("b", 2, 900, {gib, 0})});
    Snapshot growing = host;
    growing.guests[1].cells[0].size = 4 * gib;
    const Plan made = plan(growing, {}, settings);
    EXPECT_EQ(verdict_of(made, "a").home.value().left_away, 6 * gib);
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
}

TEST(Memory, ThatStaysOnANodeShortOfMemoryComesHome) {
    Snapshot host = make_snapshot(make_topology(2, 4, 32 * gib), {lazy_guest()});
    host.topology.nodes[1].memory_available = 100 * mib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").home.value().to_move, 6 * gib);
    host.topology.nodes[0].memory_available = 100 * mib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").home.value().to_move, 0)
        << "both nodes are short of memory";
}

TEST(Memory, OfAnEagerGuestCountsAsMoved) {
    GuestState eager = make_guest("a", 2, 1, {gib, 7 * gib});
    eager.policy.memory = MemoryPolicy::eager;
    const Plan made = plan(make_snapshot(make_topology(2, 4, 32 * gib), {eager}), {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1))
        << "only a seventh of the memory has to be moved to node 1";
}

TEST(Memory, ThatStaysOffTheHomeComesHomeOnlyIfThereIsRoom) {
    Snapshot host = make_snapshot(make_topology(2, 4, 8 * gib), {lazy_guest()});
    host.topology.nodes[1].memory_available = 100 * mib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").home.value().to_move, 6 * gib);
    host.topology.nodes[0].memory_available = 6 * gib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").home.value().to_move, 0);
}

TEST(Memory, ThatAnUnsteadyGuestHasNotAllocatedIsReservedForIt) {
    GuestState paused = make_guest("a", 2, 0, {gib, 0});
    paused.unsteady = "it is paused";
    paused.cells[0].size = 6 * gib;
    paused.cells[0].confined_to = NodeIndex(0);
    GuestState other = make_guest("b", 2, 500, {gib, 0});
    other.cells[0].size = 4 * gib;
    const Snapshot host = make_snapshot(make_topology(2, 4, 8 * gib), {paused, other});
    EXPECT_EQ(home_of(plan(host, {}, settings), "b"), NodeIndex(1));
}

TEST(Memory, ThatAWatchedGuestHasNotAllocatedIsExpectedWhereItsMemoryIs) {
    // Its vCPUs may run anywhere, and most of its memory is on node 0.
    GuestState watched = make_guest("a", 2, 10, {7 * gib / 2, gib / 2});
    watched.cells[0].size = 12 * gib;
    watched.policy.mode = Mode::observe;
    GuestState other = make_guest("b", 2, 500, {gib, 0});
    other.cells[0].size = 8 * gib;
    const Snapshot host = make_snapshot(make_topology(2, 4, 16 * gib), {watched, other});
    EXPECT_EQ(home_of(plan(host, {}, settings), "b"), NodeIndex(1));
}

TEST(Memory, ThatAnUnsteadyGuestHasNotAllocatedDisplacesNoOtherGuest) {
    GuestState growing = make_guest("a", 8, 10, {gib, 0});
    growing.cells[0].size = 200 * gib;
    growing.unsteady = "its CPU use is not known yet";
    const Snapshot host = make_snapshot(make_topology(2, 16, 256 * gib),
                                        {growing, make_guest("b", 8, 4000, {60 * gib, 0})});
    History history;
    history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
    EXPECT_EQ(home_of(plan(host, history, settings), "b"), NodeIndex(0));
}

TEST(Pressure, IsRelievedEvenIfThatCostsMoreThanItSaves) {
    // Node 0 is 100 MiB above its watermark. Its only guest is busy and large.
    Snapshot host =
        make_snapshot(make_topology(2, 8, 16 * gib), {make_guest("a", 2, 500, {4 * gib, 0})});
    host.topology.nodes[0].memory_available =
        host.topology.nodes[0].memory_total / 1000 * settings.watermark - 100 * mib;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    EXPECT_EQ(verdict_of(plan(host, history, settings), "a").reason, Reason::relief);
}

TEST(Pressure, IsNotAReasonForAHomeChangeThatRelievesNothing) {
    // Both nodes are short of memory, the guest's memory cannot move, and the load differs little.
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
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(0))
        << "its memory would stay on node 0";
    host.guests[0].cells[0].movable = true;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(1));
}

TEST(Pressure, IsRelievedByTheGuestWhoseMemoryIsOnTheNode) {
    // The idle guest has its home on the full node, and all of its memory on the other node.
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

TEST(Pressure, TakesPrecedenceOverLocality) {
    // Node 0 is above its watermark.
    Topology topology = make_topology(2, 8, 16 * gib);
    topology.nodes[0].memory_available = 5 * gib;
    Snapshot host = make_snapshot(
        topology, {make_guest("a", 2, 500, {4 * gib, 0}), make_guest("b", 2, 500, {gib, 0})});
    host.topology.nodes[0].memory_available = 100 * mib;
    History history;
    for (const char* name : {"a", "b"})
        history.cells[{std::string("uuid-") + name, 0}] = {NodeIndex(0), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(verdict_of(made, "b").reason, Reason::relief) << "the smaller guest suffices";
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
}

}  // namespace
}  // namespace vnuma
