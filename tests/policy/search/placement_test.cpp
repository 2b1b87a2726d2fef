// What makes a node better than another: devices, other cells of the guest, load, memory.
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/learn.hpp"
#include "policy/search/cost.hpp"
#include "tests/policy/random_homes.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

TEST(Devices, PullTheirGuest) {
    GuestState guest = make_guest("a", 2, 500, {100 * mib, 100 * mib});
    guest.devices = {NodeIndex(1)};
    const Topology topology = make_topology(2, 4, 8 * gib);
    EXPECT_EQ(home_of(plan(make_snapshot(topology, {guest}), {}, settings), "a"), NodeIndex(1));
}

TEST(Devices, PullShardsByTheirShareOfTheVcpus) {
    GuestState guest = make_wide_guest("w", {1, 1, 1, 1}, 2);
    const auto costs = [&] {
        const Plan made = plan(make_snapshot(make_topology(2, 1, 2 * gib), {guest}), {}, settings);
        Cost all = 0;
        for (const Verdict& verdict : made.verdicts)
            if (verdict.home)
                all += std::max(verdict.home->cost, verdict.alternative.value().cost.value());
        return all;
    };
    guest.cells[0].movable = false;
    const Cost without = costs();
    guest.devices = {NodeIndex(1)};
    // Node 0 costs more for each shard. All four together pay for one device more.
    EXPECT_EQ(costs() - without, traffic_cost(device_use, excess_of(21), settings));
}

TEST(Devices, DoNotPullAnIdleGuest) {
    GuestState guest = make_guest("a", 2, 0, {gib, 0});
    guest.devices = {NodeIndex(1)};
    const Topology topology = make_topology(2, 4, 8 * gib);
    const auto home = [&](MilliCpu use, Bytes size) {
        guest.cells[0].cpu_use = use;
        guest.cells[0].size = size;
        return home_of(plan(make_snapshot(topology, {guest}), {}, settings), "a");
    };
    EXPECT_EQ(home(20, gib), NodeIndex(0));
    EXPECT_EQ(home(400, gib), NodeIndex(1));
    EXPECT_EQ(home(20, 4 * gib), NodeIndex(1))
        << "less than half of its memory is accessed, so it may become busy";
}

// Whether the memory of guests of 1 GiB, the first at home on node 0, the second on node 1 and so
// on, can follow them to these nodes.
bool can_follow(const std::vector<std::size_t>& to, Bytes left_on_each_node) {
    const std::size_t nodes = 3;
    const Bytes size = (gib + left_on_each_node) * 1000 / (1000 - settings.watermark) + mib;
    std::vector<GuestState> guests;
    History history;
    for (std::size_t g = 0; g < to.size(); ++g) {
        std::vector<Bytes> residency(nodes);
        residency[g] = gib;
        guests.push_back(
            make_guest(std::string(1, static_cast<char>('a' + g)), 1, 100, std::move(residency)));
        guests.back().policy.memory = MemoryPolicy::eager;
        history.cells[guests.back().cells[0].key] = {NodeIndex(g), 0};
    }
    const Snapshot host = make_snapshot(make_topology(nodes, 2, size), guests);
    const Units chosen = choose_units(host, history, settings);
    const Placement before = placement_of(host, settings, chosen);
    Placement after = before;
    for (std::size_t g = 0; g < to.size(); ++g)
        after.put(g, NodeIndex(to[g]));
    return after.memory_can_follow(before);
}

TEST(Memory, CanFollowSeveralUnitsWhereTheyHaveRoomToPass) {
    EXPECT_FALSE(can_follow({1, 2, 0}, 10 * mib))
        << "all three nodes are full and wait for each other";
    EXPECT_TRUE(can_follow({1, 2, 0}, swap_room));
    EXPECT_FALSE(can_follow({1, 0}, 10 * mib)) << "the room of a third node is of no use";
    EXPECT_TRUE(can_follow({1, 2}, 10 * mib)) << "the second makes room for the first";
    EXPECT_TRUE(can_follow({0, 1, 2}, 10 * mib));
}

TEST(Cells, AreOnDifferentNodesHoweverFarThoseAre) {
    GuestState guest = make_guest("a", 4, 4000, {0, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells.back().key.cell = 1;
    for (const int distance : {21, 31, 32, 60, 255}) {
        Topology topology = make_topology(2, 64, 256 * gib);
        topology.distances = {{local_distance, distance}, {distance, local_distance}};
        const Plan made = plan(make_snapshot(topology, {guest}), {}, settings);
        EXPECT_NE(verdict_of(made, "a", 0).home_node(), verdict_of(made, "a", 1).home_node())
            << distance;
    }
}

TEST(Cells, OfOneGuestGetNewHomesOneAfterTheOther) {
    // Other processes use half of node 0. The second cell has just moved.
    GuestState guest = make_guest("a", 2, 2000, {100 * mib, 0, 0, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells.back().key.cell = 1;
    guest.cells.back().residency = {0, 100 * mib, 0, 0};
    Snapshot host = make_snapshot(make_topology(4, 4, 8 * gib), {guest});
    host.topology.nodes[0].other_use = 2000;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), -1'000'000};
    history.cells[{"uuid-a", 1}] = {NodeIndex(1), -1000};
    const Plan cooling = plan(host, history, settings);
    EXPECT_EQ(verdict_of(cooling, "a", 0).home_node(), NodeIndex(0));
    EXPECT_EQ(verdict_of(cooling, "a", 0).alternative.value().lack, Lack::cool_down);
    host.now += settings.cool_down;
    EXPECT_NE(verdict_of(plan(host, history, settings), "a", 0).home_node(), NodeIndex(0));
}

TEST(Cells, AreKnownByTheirNumbersInAnyOrder) {
    GuestState guest = make_guest("a", 2, 500, {100 * mib, 0});
    guest.cells.insert(guest.cells.begin(), guest.cells[0]);
    guest.cells[0].key.cell = 1;
    const Snapshot host = make_snapshot(make_topology(2, 4, 8 * gib), {guest});
    History history = learn({}, host, plan(host, {}, settings), {});
    EXPECT_EQ(history.cells.size(), 2U);
    const Plan made = plan(host, history, settings);
    for (const int cell : {0, 1})
        EXPECT_NE(verdict_of(made, "a", cell).reason, Reason::first_home);
}

TEST(Cells, OfMemoryOnlyMayBeOnNodesOfMemoryOnly) {
    GuestState guest = make_guest("a", 0, 0, {0, gib});
    Topology topology = make_topology(2, 4, 8 * gib);
    topology.nodes[1].cpus = 0;
    topology.nodes[1].cpu_capacity = 0;
    const Plan made = plan(make_snapshot(topology, {guest}), {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_TRUE(made.actions.empty());
}

TEST(Cells, ThatAreNearForTheGuestAreOnNearNodes) {
    // Both the host and the virtual nodes of the guest are a ring: 0-1-2-3-0.
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
        const NodeIndex here = verdict_of(made, "a", cell).home.value().node,
                        next = verdict_of(made, "a", (cell + 1) % 4).home.value().node;
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
    EXPECT_EQ(verdict_of(planned(3400), "a").alternative.value().lack, Lack::balance);
    EXPECT_EQ(home_of(planned(1000), "a"), NodeIndex(1));
}

TEST(Balance, IsNotTheReasonWhereLoadsDifferAndTheMarginIsMissed) {
    PlannerSettings without_cool_down;
    without_cool_down.cool_down = 0;
    const Snapshot host =
        make_snapshot(make_topology(2, 8, 64 * gib),
                      {make_guest("a", 2, 400, {1536 * mib, 0}), make_guest("b", 6, 6000, {gib, 0}),
                       make_guest("c", 4, 2950, {0, gib})});
    History history;
    for (const char* name : {"a", "b"})
        history.cells[{std::string("uuid-") + name, 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-c", 0}] = {NodeIndex(1), 0};
    const Plan made = plan(host, history, without_cool_down);
    ASSERT_EQ(home_of(made, "a"), NodeIndex(0));
    const Verdict& a = verdict_of(made, "a");
    ASSERT_LT(a.alternative.value().cost.value(), a.home->cost);
    EXPECT_EQ(a.alternative->lack, Lack::margin);
}

TEST(Memory, GrowsAtItsHomeEvenIfItCannotMove) {
    // It has accessed 1 of its 24 GiB. The other guest has 20, and a node holds 32.
    GuestState still = make_guest("still", 2, 500, {gib, 0});
    still.cells[0].size = 24 * gib;
    still.cells[0].movable = false;
    const GuestState other = make_guest("other", 2, 500, {20 * gib, 0});
    const Snapshot host = make_snapshot(make_topology(2, 8, 32 * gib), {still, other});
    const Plan made = plan(host, {}, settings);
    EXPECT_FALSE(home_of(made, "still") == NodeIndex(0) && home_of(made, "other") == NodeIndex(0));
    EXPECT_TRUE(home_of(made, "still") || home_of(made, "other"));
}

TEST(Memory, DoesNotRelieveANodeIfItCannotMove) {
    GuestState still = make_guest("still", 2, 500, {10 * gib, 0});
    still.cells[0].size = 10 * gib + 16 * mib;
    still.cells[0].movable = false;
    GuestState other = make_guest("other", 2, 500, {21 * gib, 0});
    other.unsteady = "it is being migrated";
    const Snapshot host = make_snapshot(make_topology(2, 8, 32 * gib), {still, other});
    History history;
    history.cells[{"uuid-still", 0}] = {NodeIndex(0), 0};
    const Plan made = plan(host, history, {});
    EXPECT_EQ(home_of(made, "still"), NodeIndex(0)) << "all of it would be remote, for 16 MiB";
}

}  // namespace
}  // namespace vnuma
