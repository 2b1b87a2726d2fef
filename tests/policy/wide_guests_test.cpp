// First placement of guests without vNUMA that fit no node.
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/learn.hpp"
#include "policy/planner.hpp"
#include "policy/verdict/explain.hpp"
#include "tests/policy/wide_guests.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

TEST(WideGuest, IsSplitByTheMemoryOfItsVcpus) {
    const Snapshot host = host_with(make_wide_guest("w", {0, 1, 0, 1}, 2));
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "w").reason, Reason::split);
    EXPECT_EQ(verdict_of(made, "w", 0, 0).reason, Reason::first_home);
    EXPECT_EQ(verdict_of(made, "w", 0, 1).reason, Reason::first_home);
    ASSERT_EQ(made.verdicts.size(), 3U);
    for (const Action& action : made.actions)
        EXPECT_EQ(std::holds_alternative<PinCell>(action)
                      ? std::get<PinCell>(action).vcpus.size()
                      : std::get<MoveMemory>(action).vcpus.size(),
                  2U);
}

TEST(WideGuest, HasVcpusThatShareABufferOnOneNode) {
    const Snapshot host = host_with(make_wide_guest("w", {0, 0, 0, 0}, 2, {0, 1, 0, 1}));
    const auto homes = homes_of_vcpus(plan(host, {}, settings), 4);
    EXPECT_EQ(homes[0], homes[2]);
    EXPECT_EQ(homes[1], homes[3]);
    EXPECT_NE(homes[0], homes[1]);
}

TEST(WideGuest, IsSettledOnceItsShardsAreHome) {
    Snapshot host = host_with(make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 1, 0, 1}));
    const Plan first = plan(host, {}, settings);
    const History history = learn({}, host, first, {});
    host = simulate(host, first);
    host.now += 1000;
    const Plan second = plan(host, history, settings);
    EXPECT_TRUE(second.actions.empty());
    EXPECT_EQ(verdict_of(second, "w", 0, 0).reason, Reason::settled);
    EXPECT_EQ(verdict_of(second, "w", 0, 1).reason, Reason::settled);
}

TEST(WideGuest, HasThePrivateMemoryOfItsShardsMoved) {
    const Snapshot host = host_with(make_wide_guest("w", {0, 0, 0, 0}, 2));
    const Snapshot after = simulate(host, plan(host, {}, settings));
    EXPECT_EQ(after.guests[0].cells[0].residency, (std::vector<Bytes>{200 * mib, 200 * mib}));
}

TEST(WideGuest, IsLeftAloneUntilItsAccessesAreKnown) {
    GuestState guest = make_wide_guest("w", {0, 1, 0, 1}, 2);
    guest.wide.reset();
    const Plan made = plan(host_with(guest), {}, settings);
    EXPECT_EQ(verdict_of(made, "w").reason, Reason::too_large);
    EXPECT_TRUE(made.actions.empty());
}

TEST(WideGuest, WhoseVcpusShareAllMemoryStaysOnOneNodeWithEnoughCpuTime) {
    const Snapshot host = host_with(sharing_guest(4, 2, 200));
    const auto homes = homes_of_vcpus(plan(host, {}, settings), 4);
    EXPECT_EQ(homes, std::vector<NodeIndex>(4, NodeIndex(0)));
}

TEST(WideGuest, WhoseVcpusShareAllMemoryIsSpreadForCpuTimeWithoutMovesOfMemory) {
    const Snapshot host = host_with(sharing_guest(4, 2, 900));
    const Plan made = plan(host, {}, settings);
    const auto homes = homes_of_vcpus(made, 4);
    EXPECT_NE(homes[0], homes[3]);
    for (const Action& action : made.actions)
        EXPECT_TRUE(std::holds_alternative<PinCell>(action))
            << "shared memory is as remote on the other node";
}

TEST(WideGuest, WhoseVcpusShareMoreMemoryThanANodeHoldsIsPlaced) {
    // All vCPUs access the same 13 GiB, the first one a little more often, on two nodes of 8 GiB.
    GuestState guest = make_wide_guest("w", {0, 1, 0, 1}, 2);
    for (std::uint32_t& count : guest.wide->accesses)
        count = 1000;
    for (std::size_t g = 0; g < guest.wide->extents; ++g) {
        guest.wide->accesses[g] = 1100;
        guest.wide->shared[g] = {1600 * mib, 1700 * mib};
        guest.cells[0].residency[0] += 1600 * mib;
        guest.cells[0].residency[1] += 1700 * mib;
    }
    const Snapshot host = make_snapshot(make_topology(2, 2, 8 * gib), {guest});
    const Plan made = plan(host, {}, settings);
    for (const int shard : {0, 1}) {
        EXPECT_TRUE(verdict_of(made, "w", 0, shard).home) << shard;
        EXPECT_LE(verdict_of(made, "w", 0, shard).home.value().to_move, 200 * mib)
            << "shared memory stays";
    }
}

TEST(WideGuest, IsPlacedOnNeighbouringNodes) {
    // Four nodes in two pairs. The guest needs two nodes, and its vCPUs share all memory.
    Topology topology = make_topology(4, 2, 2 * gib);
    topology.distances[0][2] = topology.distances[2][0] = topology.distances[1][3] =
        topology.distances[3][1] = 12;
    const Plan made = plan(make_snapshot(topology, {sharing_guest(4, 4, 900)}), {}, settings);
    const auto homes = homes_of_vcpus(made, 4);
    ASSERT_NE(homes[0], homes[3]);
    EXPECT_EQ(topology.distances[homes[0]][homes[3]], 12);
}

TEST(WideGuest, IsLeftAloneIfTheWatermarkLeavesNoMemory) {
    PlannerSettings full;
    full.watermark = 1000;
    const Plan made = plan(host_with(make_wide_guest("w", {0, 1, 0, 1}, 2)), {}, full);
    EXPECT_TRUE(made.actions.empty());
}

TEST(WideGuest, IsSplitForTheSmallerNodeIfOnlyTheLargerHoldsLargeShards) {
    GuestState guest = make_wide_guest("w", std::vector<std::size_t>(10, 0), 2);
    guest.cells[0].cpu_use = 10'000;
    guest.wide->cpu_use.assign(10, 1000);
    Topology topology = make_topology(2, 8, 4 * gib);
    topology.nodes[1].cpus = 2;
    topology.nodes[1].cpu_capacity = 2000;
    const auto homes = homes_of_vcpus(plan(make_snapshot(topology, {guest}), {}, settings), 10);
    EXPECT_EQ(std::count(homes.begin(), homes.end(), NodeIndex(0)), 8);
    EXPECT_EQ(std::count(homes.begin(), homes.end(), NodeIndex(1)), 2);
}

TEST(WideGuest, HasRoomReservedForUnallocatedMemory) {
    GuestState guest = make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2});
    guest.cells[0].size = 3 * gib;  // of which 400 MiB are allocated
    Snapshot host = host_with(guest);
    GuestState newcomer = make_guest("a", 1, 500, {0, 0});
    newcomer.cells[0].size = gib;
    host.guests.push_back(newcomer);
    const Plan made = plan(host, {}, settings);
    EXPECT_NE(verdict_of(made, "w", 0, 0).home_node(), verdict_of(made, "w", 0, 1).home_node());
    int homes = 0;
    for (const Verdict& verdict : made.verdicts)
        homes += verdict.home ? 1 : 0;
    EXPECT_EQ(homes, 2) << "of two shards and a guest: the third would find no room";
    host.guests[0].cells[0].size = gib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").reason, Reason::first_home);
}

TEST(WideGuest, OfHugePagesNeedsRoomOnlyInPools) {
    GuestState guest = make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2});
    guest.cells[0].huge_page = 2 * mib;
    for (std::size_t v = 0; v < 4; ++v)
        guest.wide->own[v][v / 2] = 2 * gib;
    guest.cells[0].residency = {4 * gib, 4 * gib};
    Topology topology = make_topology(2, 2, gib);
    const Plan made = plan({0, topology, {guest}}, {}, settings);
    EXPECT_EQ(verdict_of(made, "w", 0, 0).home_node(), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "w", 0, 1).home_node(), NodeIndex(1));
}

TEST(WideGuest, OfHugePagesThatFitNoPoolIsSplitEvenIfANodeHoldsItsVcpus) {
    GuestState guest = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 1, 0, 1});
    guest.cells[0].huge_page = 2 * mib;
    const Topology topology = make_topology(2, 8, 2 * gib);
    const auto homes = homes_of_vcpus(plan({0, topology, {guest}}, {}, settings), 4);
    EXPECT_EQ(homes,
              (std::vector<NodeIndex>{NodeIndex(0), NodeIndex(1), NodeIndex(0), NodeIndex(1)}));
}

// Two shards have to be on node 0, and an extent that both access is on node 1.
TEST(WideGuest, OfHugePagesHasSharedMemoryMovedIfThePoolHasRoom) {
    GuestState guest = make_wide_guest("w", {0, 0, 0, 0}, 2);
    guest.cells[0].huge_page = 2 * mib;
    guest.cells[0].residency = {400 * mib, 100 * mib};
    guest.wide->extents = 5;
    guest.wide->shared.assign(5, std::vector<Bytes>(2));
    guest.wide->shared[4][1] = 100 * mib;
    guest.wide->accesses.assign(4 * 5, 0);
    for (std::size_t v = 0; v < 4; ++v)
        guest.wide->accesses[v * 5 + v] = guest.wide->accesses[v * 5 + 4] = 1000;
    GuestState other = make_guest("o", 1, 10, {0, gib});
    other.cells[0].huge_page = 2 * mib;
    Topology topology = make_topology(2, 2, 2 * gib);
    const auto moves_of_shared = [&](Bytes available) {
        topology.nodes[0].huge_available[2 * mib] = available;
        const Plan made = plan({0, topology, {guest, other}}, {}, settings);
        return std::count_if(made.actions.begin(), made.actions.end(), [](const Action& action) {
            const auto* move = std::get_if<MoveMemory>(&action);
            return move && std::count(move->extents.begin(), move->extents.end(), 4U) > 0;
        });
    };
    EXPECT_EQ(moves_of_shared(200 * mib), 1);
    EXPECT_EQ(moves_of_shared(0), 0);
}

TEST(WideGuest, OfHugePagesIsNotPlacedOnTheOnlyNodeWithAPool) {
    GuestState guest = make_wide_guest("w", {0, 0, 0, 0}, 2);
    guest.cells[0].huge_page = 2 * mib;
    const Plan made = plan({0, make_topology(2, 2, 2 * gib), {guest}}, {}, settings);
    EXPECT_EQ(verdict_of(made, "w").reason, Reason::too_large);
    EXPECT_TRUE(made.actions.empty());
}

TEST(WideGuest, IsLeftAloneUntilItsMemoryIsAttributed) {
    GuestState guest = make_wide_guest("w", {0, 1, 0, 1}, 2);
    for (std::vector<Bytes>& own : guest.wide->own)
        own.assign(2, 0);
    EXPECT_TRUE(plan(host_with(guest), {}, settings).actions.empty());
}

TEST(WideGuest, IsSplitForNodesThatDifferInCpusAndMemory) {
    // Node 0 has more CPUs and node 1 more memory.
    GuestState guest = make_wide_guest("w", std::vector<std::size_t>(10, 1), 2);
    for (std::size_t v = 0; v < 10; ++v) {
        guest.wide->own[v][1] = 2 * gib;
        guest.wide->accesses[v * 10] = v < 8 ? 1000 : 0;
    }
    guest.cells[0].residency = {0, 20 * gib};
    Topology topology = make_topology(2, 8, 8 * gib);
    topology.nodes[1] = {1, 2, 2000, 64 * gib, 64 * gib};
    const Plan made = plan(make_snapshot(topology, {guest}), {}, settings);
    EXPECT_EQ(verdict_of(made, "w").reason, Reason::split);
    for (const Verdict& verdict : made.verdicts) {
        EXPECT_NE(verdict.reason, Reason::too_large) << explain(verdict, topology);
        EXPECT_NE(verdict.reason, Reason::no_room) << explain(verdict, topology);
    }
}

TEST(WideGuest, ThatMayOnlyUseOneNodeIsNotReportedAsWaitingForAccesses) {
    GuestState guest = make_wide_guest("w", {0, 1, 0, 1}, 2);
    guest.wide.reset();
    guest.cells[0].allowed = NodeSet::only(NodeIndex(0));
    const Plan made = plan(host_with(guest), {}, settings);
    EXPECT_EQ(verdict_of(made, "w").reason, Reason::too_large);
    EXPECT_EQ(verdict_of(made, "w").detail, "");
}

}  // namespace
}  // namespace vnuma
