// Guests that are left to roam, since no home costs less; and what they compete for: the CPUs that
// they may use.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "policy/learn.hpp"
#include "policy/verdict/explain.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

std::map<NodeIndex, int> homes_by_node(const Plan& plan) {
    std::map<NodeIndex, int> homes;
    for (const Verdict& verdict : plan.verdicts)
        if (verdict.home) ++homes[verdict.home->node];
    return homes;
}

// Two nodes of 20 CPUs, of which two each are not isolated, and guests of one busy vCPU that may
// use these.
Snapshot host_with_isolated_cpus(int guests, MilliCpu others = 0) {
    std::vector<GuestState> all;
    for (int g = 0; g < guests; ++g) {
        all.push_back(make_guest("g" + std::to_string(g), 1, 1000, {4 * gib, 0}));
        all.back().cells[0].cpu_pools = {0, 2};
    }
    Topology topology = make_topology(2, 20, 64 * gib);
    topology.pools = {
        {NodeIndex(0), 2000}, {NodeIndex(0), 18'000}, {NodeIndex(1), 2000}, {NodeIndex(1), 18'000}};
    for (HostNode& node : topology.nodes)
        node.other_use = others;
    return make_snapshot(topology, std::move(all));
}

TEST(Capacity, IsThatOfTheCpusThatGuestsMayUse) {
    for (const MilliCpu others : {0, 15'000}) {
        const Plan made = plan(host_with_isolated_cpus(4, others), {}, settings);
        EXPECT_EQ(homes_by_node(made),
                  (std::map<NodeIndex, int>{{NodeIndex(0), 2}, {NodeIndex(1), 2}}))
            << others << ": two CPUs of each node are theirs";
    }
}

TEST(Capacity, IsNotSharedWithGuestsThatUseOtherCpus) {
    // The others use the isolated CPUs of node 1, each of them its own.
    Snapshot host = host_with_isolated_cpus(4);
    for (int g = 0; g < 2; ++g) {
        host.guests[static_cast<std::size_t>(g)].cells[0].residency = {0, 4 * gib};
        GuestState other = make_guest("other" + std::to_string(g), 9, 9000, {0, 4 * gib});
        other.cells[0].allowed = NodeSet::only(NodeIndex(1));
        other.cells[0].cpu_pools = {3};
        host.guests.push_back(other);
    }
    const Plan made = plan(host, {}, settings);
    for (int g = 0; g < 4; ++g)
        EXPECT_EQ(home_of(made, "g" + std::to_string(g)), NodeIndex(g < 2 ? 1 : 0));
}

// Two nodes of 16 cores with two hardware threads each.
Topology two_nodes_with_smt() {
    Topology topology = make_topology(2, 32, 128 * gib);
    for (HostNode& node : topology.nodes)
        node.cpu_capacity = 19'200;
    return topology;
}

TEST(Roaming, AGuestThatIsBusierThanANodeIsNotNarrowedToOne) {
    const Snapshot host =
        make_snapshot(two_nodes_with_smt(), {make_guest("busy", 32, 31'360, {16 * gib, 16 * gib})});
    const Plan made = plan(host, {}, settings);
    const Verdict& busy = verdict_of(made, "busy");
    EXPECT_EQ(busy.reason, Reason::roams);
    EXPECT_TRUE(made.actions.empty());
    ASSERT_TRUE(busy.alternative && busy.alternative->cost && busy.roaming_cost);
    EXPECT_EQ(busy.alternative->lack, Lack::cores);
    EXPECT_LT(*busy.roaming_cost, *busy.alternative->cost);
    EXPECT_EQ(explain(busy, host.topology),
              "the cell has no home because it costs less on all CPUs that its owner lets it use; "
              "the best node, node 0, has fewer cores than it uses CPUs");
}

TEST(Roaming, AGuestThatIsBusierThanANodeIsSplitOnceItsAccessesAreKnown) {
    std::vector<std::size_t> nodes;
    for (std::size_t vcpu = 0; vcpu < 32; ++vcpu)
        nodes.push_back(vcpu % 2);
    GuestState guest = make_wide_guest("busy", nodes, 2);
    guest.wide->cpu_use.assign(32, 980);
    guest.cells[0].cpu_use = 31'360;
    Snapshot host = make_snapshot(two_nodes_with_smt(), {guest});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "busy").reason, Reason::split);
    EXPECT_EQ(homes_by_node(made),
              (std::map<NodeIndex, int>{{NodeIndex(0), 1}, {NodeIndex(1), 1}}));

    // It stays split while it cools down, and while one node would be three quarters full.
    const History history = learn({}, host, made, {});
    const auto is_split = [&](MilliCpu use_of_vcpu, Millis now) {
        host.now = now;
        host.guests[0].wide->cpu_use.assign(32, use_of_vcpu);
        host.guests[0].cells[0].cpu_use = 32 * use_of_vcpu;
        return verdict_of(plan(host, history, settings), "busy").reason == Reason::split;
    };
    EXPECT_TRUE(is_split(100, 1000));
    EXPECT_TRUE(is_split(500, settings.cool_down));
    EXPECT_FALSE(is_split(370, settings.cool_down));
}

TEST(Roaming, AGuestThatANodeCanServeGetsAHome) {
    const Snapshot host =
        make_snapshot(two_nodes_with_smt(), {make_guest("calm", 32, 16'000, {16 * gib, 2 * gib})});
    EXPECT_EQ(home_of(plan(host, {}, settings), "calm"), NodeIndex(0));
}

TEST(Roaming, MemoryThatCannotMoveIsNoReasonAsLongAsANodeHasTheCpus) {
    for (const MilliCpu use : {0, 100, 4000, 8000}) {
        GuestState guest = make_guest("vfio", 8, use, {4 * gib, 4 * gib});
        guest.cells[0].movable = false;
        const Plan made = plan(make_snapshot(make_topology(2, 8, 64 * gib), {guest}), {}, settings);
        EXPECT_TRUE(verdict_of(made, "vfio").home) << use;
    }
}

TEST(Roaming, MemoryThatHasToMoveIsNoReason) {
    GuestState guest = make_guest("eager", 2, 10, {20 * gib, 20 * gib});
    guest.policy.memory = MemoryPolicy::eager;
    const Plan made = plan(make_snapshot(make_topology(2, 8, 64 * gib), {guest}), {}, settings);
    EXPECT_TRUE(verdict_of(made, "eager").home);
}

TEST(Roaming, WhatOthersUseIsAReasonOnlyWhereOtherNodesHaveCpus) {
    Topology topology = make_topology(2, 4, 64 * gib);
    for (HostNode& node : topology.nodes)
        node.other_use = 2500;
    const auto is_at_home = [&](MilliCpu use) {
        const Snapshot host = make_snapshot(
            topology, {make_guest("a", 4, use, {gib, 0}), make_guest("b", 4, use, {0, gib})});
        const Plan made = plan(host, {}, settings);
        return verdict_of(made, "a").home && verdict_of(made, "b").home;
    };
    EXPECT_TRUE(is_at_home(2000));
    EXPECT_TRUE(is_at_home(3900));
    topology.nodes[1].other_use = 0;
    GuestState guest = make_guest("bound", 4, 3000, {gib, 0});
    guest.cells[0].allowed = NodeSet::only(NodeIndex(0));
    const Plan made = plan(make_snapshot(topology, {guest}), {}, settings);
    EXPECT_EQ(verdict_of(made, "bound").reason, Reason::roams);
}

// Threads that share a core do less, and show as more CPU use than before.
TEST(Roaming, AGuestAloneGetsWholeCores) {
    const auto home = [](MilliCpu use) {
        const Plan made = plan(
            make_snapshot(two_nodes_with_smt(), {make_guest("a", 32, use, {16 * gib, 16 * gib})}),
            {}, settings);
        return verdict_of(made, "a").home.has_value();
    };
    EXPECT_TRUE(home(15'000));
    EXPECT_FALSE(home(17'500));
    EXPECT_FALSE(home(19'000));
}

TEST(Roaming, ThatIsNearerIsFoundOnLargeHosts) {
    Topology topology = make_topology(2, 8, 256 * gib);
    topology.nodes[1].cpus = 32, topology.nodes[1].cpu_capacity = 32'000;
    GuestState assigned = make_guest("assigned", 16, 8000, {64 * gib, 0});
    assigned.cells[0].movable = false;
    std::vector<GuestState> guests{assigned};
    for (int g = 0; g < 40; ++g)
        guests.push_back(make_guest("idle" + std::to_string(g), 1, 1, {0, gib}));
    const Plan made = plan(make_snapshot(topology, guests), {}, settings);
    EXPECT_EQ(verdict_of(made, "assigned").reason, Reason::roams);
}

TEST(Roaming, APolicyThatDemandsAHomeIsObeyed) {
    Snapshot host =
        make_snapshot(two_nodes_with_smt(), {make_guest("busy", 32, 31'360, {16 * gib, 16 * gib})});
    host.guests[0].policy.home = {1};
    host.guests[0].cells[0].allowed = NodeSet::only(NodeIndex(1));
    EXPECT_EQ(home_of(plan(host, {}, settings), "busy"), NodeIndex(1));
    host.guests[0].policy.home.clear();
    host.guests[0].policy.nodes = std::vector<int>{1};
    EXPECT_EQ(home_of(plan(host, {}, settings), "busy"), NodeIndex(1));
}

// Node 0 has a guest that may not leave it. Guest "a" has its home there, has had it for a second,
// and then becomes busy.
class GivenUp : public ::testing::Test {
  protected:
    GivenUp() {
        GuestState stays = make_guest("b", 4, 3500, {gib, 0});
        stays.cells[0].allowed = NodeSet::only(NodeIndex(0));
        host = make_snapshot(make_topology(2, 4, 64 * gib),
                             {make_guest("a", 4, 3000, {gib, 0}), stays}, 1000);
        host.guests[0].cells[0].confined_to = NodeIndex(0);
        host.guests[0].cells[0].pinned = true;
        history = history_with(host, NodeIndex(0), 0);
    }

    Snapshot host;
    History history;
};

TEST_F(GivenUp, AHomeIsGivenUpDuringTheCoolDownWhereRoamingCostsLess) {
    const Plan made = plan(host, history, settings);
    const Verdict& a = verdict_of(made, "a");
    ASSERT_EQ(a.reason, Reason::roams);
    EXPECT_EQ(a.alternative.value().node, NodeIndex(1));
    EXPECT_EQ(a.alternative->lack, Lack::cool_down);
    EXPECT_EQ(a.wait, settings.cool_down - 1000);
    ASSERT_EQ(made.actions.size(), 2U) << "guest b is pinned";
    EXPECT_TRUE(std::any_of(made.actions.begin(), made.actions.end(), [](const Action& action) {
        return std::holds_alternative<UnpinCell>(action) && key_of(action).uuid == "uuid-a";
    }));
}

TEST_F(GivenUp, TheNextHomeWaitsForTheEndOfTheCoolDown) {
    history = learn(history, host, plan(host, history, settings), {});
    EXPECT_TRUE(history.cells.at({"uuid-a", 0}).roams);
    EXPECT_EQ(history.changes.at("uuid-a"), std::vector<Millis>{1000});
    host.guests[0].cells[0].confined_to.reset();
    host.guests[0].cells[0].pinned = false;
    host.now = settings.cool_down - 1;
    EXPECT_EQ(verdict_of(plan(host, history, settings), "a").reason, Reason::roams);
    host.now = settings.cool_down;
    const Plan made = plan(host, history, settings);
    const Verdict& a = verdict_of(made, "a");
    ASSERT_EQ(a.home_node(), NodeIndex(1));
    EXPECT_EQ(a.reason, Reason::better_home);
    EXPECT_EQ(explain(a, host.topology),
              "node 1 becomes the new home of the cell: that costs " +
                  std::to_string(a.home->cost) + " ms of CPU time instead of " +
                  std::to_string(a.roaming_cost.value()) +
                  " ms without a home; node 0 would cost " +
                  std::to_string(a.alternative.value().cost.value()) +
                  " ms of CPU time instead of " + std::to_string(a.home->cost) + " ms");
    history = learn(history, host, made, {});
    EXPECT_FALSE(history.cells.at({"uuid-a", 0}).roams);
    EXPECT_EQ(history.cells.at({"uuid-a", 0}).home_since, host.now);
}

TEST_F(GivenUp, AfterTheCoolDownAnotherOneBegins) {
    host.now = 10 * settings.cool_down;
    host.guests[0].cells[0].allowed = NodeSet::only(NodeIndex(0));
    const Plan made = plan(host, history, settings);
    ASSERT_EQ(verdict_of(made, "a").reason, Reason::roams);
    history = learn(history, host, made, {});
    EXPECT_EQ(history.cells.at({"uuid-a", 0}).home_since, host.now);
}

TEST_F(GivenUp, WhatOthersUseIsAReason) {
    host.guests[1].cells[0].cpu_use = 100;
    host.topology.nodes[0].other_use = 3500;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), std::nullopt);
}

// Four nodes of 16 CPUs. Nodes 1 and 3 have no memory.
class WithoutMemory : public ::testing::Test {
  protected:
    WithoutMemory() {
        topology = make_topology(4, 16, 64 * gib);
        set_distances(16, 16);
        for (const std::size_t node : {1, 3})
            topology.nodes[node].memory_total = topology.nodes[node].memory_available = 0;
    }
    // Nodes 0 and 1 are near, and so are nodes 2 and 3.
    void set_distances(int near, int far) {
        for (std::size_t a = 0; a < 4; ++a)
            for (std::size_t b = 0; b < 4; ++b)
                topology.distances[a][b] = a == b ? local_distance : a / 2 == b / 2 ? near : far;
    }
    Snapshot with_guests(std::size_t count) const {
        std::vector<GuestState> guests;
        for (std::size_t g = 0; g < count; ++g) {
            std::vector<Bytes> residency(4);
            residency[g % 2 == 0 ? 0 : 2] = 8 * gib;
            guests.push_back(make_guest("g" + std::to_string(g), 8, 7000, std::move(residency)));
        }
        return make_snapshot(topology, std::move(guests));
    }

    Topology topology;
};

TEST_F(WithoutMemory, NoNodeIsFilledWhileThoseHaveIdleCpus) {
    const Plan made = plan(with_guests(6), {}, settings);
    for (const auto& [node, homes] : homes_by_node(made))
        EXPECT_LE(homes, 2) << "three guests use 21 CPUs";
    for (const Verdict& verdict : made.verdicts)
        EXPECT_TRUE(verdict.home || verdict.reason == Reason::roams);
}

TEST_F(WithoutMemory, NodesAreHomesWhereTheNearestMemoryIsNear) {
    set_distances(12, 22);
    const Snapshot host = with_guests(6);
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(homes_by_node(made),
              (std::map<NodeIndex, int>{
                  {NodeIndex(0), 2}, {NodeIndex(1), 1}, {NodeIndex(2), 2}, {NodeIndex(3), 1}}));
    for (const Verdict& verdict : made.verdicts) {
        const bool has_memory = host.topology.nodes[verdict.home.value().node].memory_total > 0;
        EXPECT_EQ(verdict.home->memory.has_value(), !has_memory);
        EXPECT_EQ(verdict.home->to_move, 0) << "it is on the nearest node";
        EXPECT_EQ(
            explain(verdict, host.topology).find(", with its memory on node ") != std::string::npos,
            !has_memory);
    }
    const History history = learn({}, host, made, {});
    for (const Verdict& verdict : plan(simulate(host, made), history, settings).verdicts)
        EXPECT_EQ(verdict.reason, Reason::settled) << explain(verdict, host.topology);
}

TEST_F(WithoutMemory, NodesAreNotHomesWhereOthersHaveRoom) {
    const Plan made = plan(with_guests(4), {}, settings);
    EXPECT_EQ(homes_by_node(made),
              (std::map<NodeIndex, int>{{NodeIndex(0), 2}, {NodeIndex(2), 2}}));
}

TEST_F(WithoutMemory, MemoryGoesToTheNearestNodeThatHasSome) {
    topology.distances[3][0] = topology.distances[0][3] = 12;
    EXPECT_EQ(memory_node(topology, NodeIndex(3)), NodeIndex(0));
    EXPECT_EQ(memory_node(topology, NodeIndex(1)), NodeIndex(0)) << "as near as node 2";
    EXPECT_EQ(memory_node(topology, NodeIndex(2)), NodeIndex(2));
    GuestState guest = make_guest("a", 8, 7000, {0, 0, 8 * gib, 0});
    guest.cells[0].allowed = NodeSet::only(NodeIndex(3));
    const Plan made = plan(make_snapshot(topology, {guest}), {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(3));
    ASSERT_EQ(made.actions.size(), 2U);
    EXPECT_EQ(std::get<PinCell>(made.actions[0]).to, NodeIndex(3));
    EXPECT_EQ(std::get<MoveMemory>(made.actions[1]).to, NodeIndex(0));
}

}  // namespace
}  // namespace vnuma
