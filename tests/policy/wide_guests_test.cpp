// Guests without vNUMA that fit no node.
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/learn.hpp"
#include "policy/units/split.hpp"
#include "policy/verdict/explain.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

Snapshot host_with(const GuestState& guest, std::size_t nodes = 2) {
    return make_snapshot(make_topology(nodes, 2, 2 * gib), {guest});
}

std::vector<NodeIndex> homes_of_vcpus(const Plan& plan, std::size_t vcpus) {
    std::vector<NodeIndex> homes(vcpus);
    for (const Verdict& verdict : plan.verdicts)
        for (const std::size_t vcpu : verdict.vcpus)
            homes[vcpu] = verdict.home.value().node;
    return homes;
}

TEST(WideGuest, IsSplitAlongWhatItsVcpusTouch) {
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

TEST(WideGuest, KeepsVcpusThatShareABufferOnOneNode) {
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

TEST(WideGuest, MovesTheMemoryThatOneShardAloneTouches) {
    const Snapshot host = host_with(make_wide_guest("w", {0, 0, 0, 0}, 2));
    const Snapshot after = simulate(host, plan(host, {}, settings));
    EXPECT_EQ(after.guests[0].cells[0].residency, (std::vector<Bytes>{200 * mib, 200 * mib}));
}

TEST(WideGuest, OfWhichNothingIsKnownYetIsLeftAlone) {
    GuestState guest = make_wide_guest("w", {0, 1, 0, 1}, 2);
    guest.wide.reset();
    const Plan made = plan(host_with(guest), {}, settings);
    EXPECT_EQ(verdict_of(made, "w").reason, Reason::too_large);
    EXPECT_TRUE(made.actions.empty());
}

TEST(WideGuest, KeepsItsShardsWhileNoiseChangesWhatIsSeen) {
    Snapshot host = host_with(make_wide_guest("w", {0, 1, 0, 1}, 2));
    History history;
    std::mt19937 random(5);
    int pins = 0;
    for (int tick = 0; tick < 500; ++tick) {
        host.now += 2000;
        for (auto& count : host.guests[0].wide->accesses)
            count =
                static_cast<std::uint32_t>(count / 2 + random() % 100) + (count > 500 ? 500 : 0);
        const Plan made = plan(host, history, settings);
        for (const Action& action : made.actions)
            pins += std::holds_alternative<PinCell>(action);
        history = learn(history, host, made, {});
        host = simulate(host, made);
    }
    EXPECT_EQ(pins, 2);
}

TEST(WideGuest, FollowsVcpusThatTradePlacesOnce) {
    Snapshot host = host_with(make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2}));
    History history;
    int pins = 0;
    for (int tick = 0; tick < 60; ++tick) {
        host.now += 2000;
        if (tick == 30) {  // 1 and 2 have exchanged their buffers
            const GuestState other = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 2, 0, 2});
            host.guests[0].wide->accesses = other.wide->accesses;
            host.guests[0].wide->own = other.wide->own;
        }
        const Plan made = plan(host, history, settings);
        for (const Action& action : made.actions)
            pins += tick >= 30 && std::holds_alternative<PinCell>(action);
        history = learn(history, host, made, {});
        host = simulate(host, made);
    }
    const auto homes = homes_of_vcpus(plan(host, history, settings), 4);
    EXPECT_EQ(homes[0], homes[2]);
    EXPECT_EQ(homes[1], homes[3]);
    EXPECT_LE(pins, 2) << "each shard once";
}

TEST(WideGuest, WhoseVcpusTradePlacesGetsOtherShardsBeforeTheseChangeTheirHomes) {
    GuestState guest = make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2});
    guest.wide->cpu_use.assign(4, 480);
    guest.cells[0].cpu_use = 4 * 480;
    PlannerSettings restless;
    restless.cool_down = 0;
    Snapshot host = host_with(guest);
    const Plan first = plan(host, {}, restless);
    History history = learn({}, host, first, {});
    host = simulate(host, first);
    // 1 and 2 exchange their buffers: as they are, the shards had better be on one node.
    const GuestState other = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 2, 0, 2});
    host.guests[0].wide->accesses = other.wide->accesses;
    host.guests[0].wide->own = other.wide->own;
    for (host.now = 1000; host.now < reshard_interval; host.now += 1000) {
        const Plan made = plan(host, history, restless);
        for (const Verdict& verdict : made.verdicts)
            ASSERT_FALSE(verdict.former_node()) << host.now;
        history = learn(history, host, made, {});
    }
    const Plan last = plan(host, history, restless);
    const auto homes = homes_of_vcpus(last, 4);
    EXPECT_EQ(homes[0], homes[2]);
    EXPECT_EQ(homes[1], homes[3]);
    EXPECT_NE(homes[0], homes[1]);
}

// All memory is shared by all, a hundred MiB in each of as many groups as there are vCPUs.
GuestState sharing_all(std::size_t vcpus, std::size_t nodes, MilliCpu use_of_one) {
    GuestState guest = make_wide_guest("w", std::vector<std::size_t>(vcpus, 0), nodes);
    WideUse& use = *guest.wide;
    use.accesses.assign(vcpus * vcpus, 100);
    use.cpu_use.assign(vcpus, use_of_one);
    guest.cells[0].cpu_use = use_of_one * static_cast<MilliCpu>(vcpus);
    std::swap(use.own, use.shared);
    return guest;
}

TEST(WideGuest, WhoseShardsMightBeBetterKeepsTheirHomesUntilThatWasLookedAt) {
    const GuestState guest = sharing_all(4, 2, 450);
    PlannerSettings restless;
    restless.cool_down = 0;
    Snapshot host = host_with(guest);
    History history = learn({}, host, plan(host, {}, restless), {});
    host = simulate(host, plan(host, {}, restless));
    const NodeIndex home = history.cells.at({"uuid-w", 0, 0}).home;
    host.topology.nodes[home].other_use = 4000;
    host.now = reshard_interval - 1000;
    const Verdict kept = verdict_of(plan(host, history, restless), "w", 0, 0);
    EXPECT_EQ(kept.home_node(), home);
    EXPECT_EQ(kept.alternative.value().lack, Lack::shards);
    EXPECT_EQ(kept.wait, 1000);
    EXPECT_NE(explain(kept, host.topology).find("other shards"), std::string::npos);
    host.now = reshard_interval;
    EXPECT_NE(verdict_of(plan(host, history, restless), "w", 0, 0).home_node(), home);
}

// When its shards were last formed, on a host that has not changed for so long.
Millis last_formed(const GuestState& guest, int seconds) {
    Snapshot host = host_with(guest);
    History history;
    for (int second = 0; second <= seconds; ++second) {
        const Plan made = plan(host, history, settings);
        history = learn(history, host, made, {});
        host = simulate(host, made);
        host.now += 1000;
    }
    return history.shards.at("uuid-w").since;
}

TEST(WideGuest, WhoseShardsCouldBeBetterHasThemFormedNowAndThen) {
    EXPECT_EQ(last_formed(sharing_all(4, 2, 900), 9), 0);
    EXPECT_EQ(last_formed(sharing_all(4, 2, 900), 19), reshard_interval);
    EXPECT_EQ(last_formed(sharing_all(4, 2, 900), 20), 2 * reshard_interval);
}

TEST(WideGuest, WhoseVcpusShareAllStaysOnOneNodeWhileThatHasTheCpuTime) {
    const Snapshot host = host_with(sharing_all(4, 2, 200));
    const auto homes = homes_of_vcpus(plan(host, {}, settings), 4);
    EXPECT_EQ(homes, std::vector<NodeIndex>(4, NodeIndex(0)));
}

TEST(WideGuest, WhoseVcpusShareAllIsSpreadWhenItNeedsThatAndItsMemoryStays) {
    const Snapshot host = host_with(sharing_all(4, 2, 900));
    const Plan made = plan(host, {}, settings);
    const auto homes = homes_of_vcpus(made, 4);
    EXPECT_NE(homes[0], homes[3]);
    for (const Action& action : made.actions)
        EXPECT_TRUE(std::holds_alternative<PinCell>(action)) << "it would be as remote there";
}

TEST(WideGuest, WhoseVcpusShareMoreThanANodeHoldsIsPlacedAllTheSame) {
    // 13 GiB that all touch, the first shard a little more, on two nodes of 8 GiB.
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
            << "what all touch stays";
    }
}

TEST(WideGuest, IsKeptOnNeighbouringNodes) {
    // Four nodes in two pairs; the guest needs two of them, and its vCPUs share everything.
    Topology topology = make_topology(4, 2, 2 * gib);
    topology.distances[0][2] = topology.distances[2][0] = topology.distances[1][3] =
        topology.distances[3][1] = 12;
    const Plan made = plan(make_snapshot(topology, {sharing_all(4, 4, 900)}), {}, settings);
    const auto homes = homes_of_vcpus(made, 4);
    ASSERT_NE(homes[0], homes[3]);
    EXPECT_EQ(topology.distances[homes[0]][homes[3]], 12);
}

TEST(WideGuest, IsLeftAloneWhereTheWatermarkLeavesNoMemory) {
    PlannerSettings full;
    full.watermark = 1000;
    const Plan made = plan(host_with(make_wide_guest("w", {0, 1, 0, 1}, 2)), {}, full);
    EXPECT_TRUE(made.actions.empty());
}

TEST(WideGuest, IsCutToFitTheSmallerNodeWhereTheLargerHoldsItOnlyJust) {
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

TEST(WideGuest, HasRoomForWhatItMayStillTouch) {
    GuestState guest = make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2});
    guest.cells[0].size = 3 * gib;  // 400 MiB of it have been touched
    Snapshot host = host_with(guest);
    GuestState newcomer = make_guest("a", 1, 500, {0, 0});
    newcomer.cells[0].size = gib;
    host.guests.push_back(newcomer);
    const Plan made = plan(host, {}, settings);
    EXPECT_NE(verdict_of(made, "w", 0, 0).home_node(), verdict_of(made, "w", 0, 1).home_node());
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::no_room);
    host.guests[0].cells[0].size = gib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").reason, Reason::first_home);
}

TEST(WideGuest, OfHugePagesNeedsRoomInPoolsOnly) {
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

TEST(WideGuest, OfHugePagesThatFitNoPoolIsSplitHoweverFewItsVcpusAre) {
    GuestState guest = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 1, 0, 1});
    guest.cells[0].huge_page = 2 * mib;
    const Topology topology = make_topology(2, 8, 2 * gib);
    const auto homes = homes_of_vcpus(plan({0, topology, {guest}}, {}, settings), 4);
    EXPECT_EQ(homes,
              (std::vector<NodeIndex>{NodeIndex(0), NodeIndex(1), NodeIndex(0), NodeIndex(1)}));
}

// Two shards that have to be on one node, and a group that both touch on the other.
TEST(WideGuest, OfHugePagesBringsWhatShardsShareWhereThePoolHasRoom) {
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
    const auto brought = [&](Bytes available) {
        topology.nodes[0].huge_available[2 * mib] = available;
        const Plan made = plan({0, topology, {guest, other}}, {}, settings);
        return std::count_if(made.actions.begin(), made.actions.end(), [](const Action& action) {
            const auto* move = std::get_if<MoveMemory>(&action);
            return move && std::count(move->extents.begin(), move->extents.end(), 4U) > 0;
        });
    };
    EXPECT_EQ(brought(200 * mib), 1);
    EXPECT_EQ(brought(0), 0);
}

TEST(WideGuest, ThatIsOnlyWatchedFromNowOnGetsItsCpusBackWhereverTheyAre) {
    GuestState guest = make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2});
    guest.policy.mode = Mode::observe;
    guest.cells[0].pinned = true;
    guest.wide->confined_to = {NodeIndex(0), NodeIndex(1), {}, {}};  // two of one shard
    const Plan made = plan(host_with(guest), {}, settings);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_EQ(std::get<UnpinCell>(made.actions[0]).vcpus, (std::vector<std::size_t>{0, 1}));
}

TEST(WideGuest, WhoseMatrixBeginsAnewKeepsItsShardsAndTheirHomes) {
    Snapshot host = host_with(make_wide_guest("w", {0, 1, 0, 1}, 2));
    const Plan first = plan(host, {}, settings);
    History history = learn({}, host, first, {});
    const History before = history;
    host = simulate(host, first);
    host.guests[0].cells[0].pinned = true;
    host.guests[0].wide.reset();
    const Plan blind = plan(host, history, settings);
    EXPECT_TRUE(blind.actions.empty());
    EXPECT_EQ(verdict_of(blind, "w").reason, Reason::unsteady);
    EXPECT_NE(explain(verdict_of(blind, "w"), host.topology).find("found out anew"),
              std::string::npos);
    history = learn(history, host, blind, {});
    EXPECT_EQ(history.cells, before.cells);
    EXPECT_EQ(history.shards, before.shards);
}

TEST(WideGuest, ThatIsNotActedOnAnyMoreWaitsForNoMatrix) {
    Snapshot host = host_with(make_wide_guest("w", {0, 1, 0, 1}, 2));
    const History history = learn({}, host, plan(host, {}, settings), {});
    host.guests[0].cells[0].pinned = true;
    host.guests[0].wide.reset();
    GuestState& guest = host.guests[0];
    guest.policy.mode = Mode::observe;
    EXPECT_EQ(verdict_of(plan(host, history, settings), "w").reason, Reason::too_large);
    guest.policy.mode = Mode::act;
    guest.cells[0].allowed = NodeSet::only(NodeIndex(0));  // some of it has its home on node 1
    const Plan narrowed = plan(host, history, settings);
    EXPECT_EQ(verdict_of(narrowed, "w").reason, Reason::too_large);
    ASSERT_EQ(narrowed.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(narrowed.actions[0]));
}

TEST(WideGuest, OfHugePagesIsNotPutOnTheOnlyNodeThatHasAPool) {
    GuestState guest = make_wide_guest("w", {0, 0, 0, 0}, 2);
    guest.cells[0].huge_page = 2 * mib;
    const Plan made = plan({0, make_topology(2, 2, 2 * gib), {guest}}, {}, settings);
    EXPECT_EQ(verdict_of(made, "w").reason, Reason::too_large);
    EXPECT_TRUE(made.actions.empty());
}

TEST(WideGuest, OfWhichItIsNotKnownWhoseMemoryIsWhereIsLeftAlone) {
    GuestState guest = make_wide_guest("w", {0, 1, 0, 1}, 2);
    for (std::vector<Bytes>& own : guest.wide->own)
        own.assign(2, 0);
    EXPECT_TRUE(plan(host_with(guest), {}, settings).actions.empty());
}

TEST(WideGuest, OfUnsteadyMomentsKeepsItsShardsAndTheirHomes) {
    Snapshot host = host_with(make_wide_guest("w", {0, 1, 0, 1}, 2));
    const Plan first = plan(host, {}, settings);
    History history = learn({}, host, first, {});
    const History before = history;
    host = simulate(host, first);
    host.guests[0].unsteady = "it is paused";
    history = learn(history, host, plan(host, history, settings), {});
    EXPECT_EQ(history.cells, before.cells);
    EXPECT_EQ(history.shards, before.shards);
}

TEST(WideGuest, IsCutToFitNodesThatAreLargeInDifferentWays) {
    // No node has both the CPUs of the one and the memory of the other.
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

TEST(WideGuest, ThatMayUseOneNodeOnlyIsNotSaidToBeFoundOutAbout) {
    GuestState guest = make_wide_guest("w", {0, 1, 0, 1}, 2);
    guest.wide.reset();
    guest.cells[0].allowed = NodeSet::only(NodeIndex(0));
    const Plan made = plan(host_with(guest), {}, settings);
    EXPECT_EQ(verdict_of(made, "w").reason, Reason::too_large);
    EXPECT_EQ(verdict_of(made, "w").detail, "");
}

TEST(WideGuest, WhoseVcpusTradePlacesAgainAndAgainIsFollowedLessAndLessOften) {
    const GuestState one = make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2}),
                     other = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 2, 0, 2});
    Snapshot host = host_with(one);
    History history;
    int changes = 0;
    for (int second = 0; second < 3600; ++second) {
        host.now += 1000;
        const GuestState& now = second / 25 % 2 == 0 ? one : other;
        host.guests[0].wide->accesses = now.wide->accesses;
        const Plan made = plan(host, history, settings);
        const History before = history;
        history = learn(history, host, made, {});
        changes += before.shards.contains("uuid-w") &&
                   before.shards.at("uuid-w").partition != history.shards.at("uuid-w").partition;
        host = simulate(host, made);
    }
    EXPECT_GT(changes, 4);
    // After 20, 40, 80 and 160 s, and then every 5 minutes at most.
    EXPECT_LE(changes, 4 + 3600 / 300 + 1);
}

TEST(WideGuest, WhoseShardsHaveNotChangedForLongIsFollowedAtOnceAgain) {
    Snapshot host = host_with(make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2}));
    const GuestState other = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 2, 0, 2});
    History history = learn({}, host, plan(host, {}, settings), {});
    ShardHistory& shards = history.shards.at("uuid-w");
    shards.changes = max_counted_changes;
    const Partition before = shards.partition;
    host.guests[0].wide->accesses = other.wide->accesses;
    const auto at = [&](Millis now) {
        host.now = now;
        return learn(history, host, plan(host, history, settings), {}).shards.at("uuid-w");
    };
    EXPECT_EQ(at(319'000).partition, before);
    EXPECT_EQ(at(319'000).changes, max_counted_changes);
    EXPECT_NE(at(320'000).partition, before);
    EXPECT_EQ(at(639'000).changes, max_counted_changes);
    EXPECT_EQ(at(640'000).changes, 1) << "so long ago that it does not count";
}

TEST(WideGuest, WhoseShardsFitNoNodeAnyMoreGetsOthersHoweverOftenTheyChanged) {
    Snapshot host = host_with(make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2}));
    History history = learn({}, host, plan(host, {}, settings), {});
    ShardHistory& shards = history.shards.at("uuid-w");
    shards.changes = max_counted_changes;
    shards.partition = {{0, 1, 2}, {3}};  // a node has two CPUs
    host.now = 20'000;
    const History after = learn(history, host, plan(host, history, settings), {});
    for (const auto& shard : after.shards.at("uuid-w").partition)
        EXPECT_EQ(shard.size(), 2U);
}

}  // namespace
}  // namespace vnuma
