#include "policy/planner.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "policy/learn.hpp"
#include "policy/verdict/explain.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

History history_with(const Snapshot& snapshot, NodeIndex home, Millis since) {
    History history;
    for (const GuestState& guest : snapshot.guests)
        for (const CellState& cell : guest.cells)
            history.cells[cell.key] = {home, since, 0};
    return history;
}

TEST(Planner, TwoGuestsOnOneNodeAreSpread) {
    const Snapshot host = make_snapshot(
        make_topology(2, 2, 2 * gib),
        {make_guest("a", 2, 500, {0, 400 * mib}), make_guest("b", 2, 500, {0, 400 * mib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_NE(home_of(made, "a"), home_of(made, "b"));
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::first_home);
}

TEST(Planner, AScatteredGuestGoesWhereMostOfItIs) {
    const Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 1000, {gib, 5 * gib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(verdict_of(made, "a").home.value().to_move, gib);
    ASSERT_EQ(made.actions.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<PinCell>(made.actions[0])) << "pins come first";
    EXPECT_EQ(std::get<MoveMemory>(made.actions[1]).to, NodeIndex(1));
}

TEST(Planner, AHugeGuestsCpusGoToItsMemory) {
    const Snapshot host = make_snapshot(
        make_topology(2, 8, 512 * gib),
        {make_guest("huge", 4, 3000, {0, 256 * gib}), make_guest("small", 4, 3000, {0, gib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "huge"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "small"), NodeIndex(0));
}

TEST(Planner, ImmovableMemoryPullsTheCpusAndStaysWhereItIs) {
    Snapshot host =
        make_snapshot(make_topology(2, 8, 64 * gib), {make_guest("vfio", 2, 2000, {gib, 9 * gib})});
    host.guests[0].cells[0].movable = false;
    const Plan made = plan(host, history_with(host, NodeIndex(0), -1'000'000), settings);
    EXPECT_EQ(home_of(made, "vfio"), NodeIndex(1));
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<PinCell>(made.actions[0]));
}

TEST(Planner, CellsOfOneGuestGoApart) {
    GuestState guest = make_guest("wide", 2, 1000, {gib, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    const Snapshot host = make_snapshot(make_topology(2, 4, 64 * gib), {guest});
    const Plan made = plan(host, {}, settings);
    EXPECT_NE(verdict_of(made, "wide", 0).home_node(), verdict_of(made, "wide", 1).home_node());
}

TEST(Planner, CellsOfAnIdleGuestGoApartBeforeItHasWork) {
    GuestState guest = make_guest("a", 1, 0, {gib / 4, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    const Plan made = plan(make_snapshot(make_topology(2, 4, 64 * gib), {guest}), {}, settings);
    EXPECT_NE(verdict_of(made, "a", 0).home_node(), verdict_of(made, "a", 1).home_node());
}

// As when a guest boots: with one vCPU, and its first process on that one.
TEST(Planner, CellsOfAGuestGoApartWhileOnlyOneHasWork) {
    GuestState guest = make_guest("a", 1, 1000, {gib / 4, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    guest.cells[1].cpu_use = 100;
    const Plan made = plan(make_snapshot(make_topology(2, 2, 64 * gib), {guest}), {}, settings);
    EXPECT_NE(verdict_of(made, "a", 0).home_node(), verdict_of(made, "a", 1).home_node());
}

// Little load: crowding is no reason, and one of them has to move.
TEST(Planner, CellsOfAGuestGoApartWhereBothHaveALittleWork) {
    GuestState guest = make_guest("a", 1, 300, {gib / 4, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    Topology host = make_topology(2, 2, 64 * gib);
    host.nodes[1].other_use = 400;
    const Plan made = plan(make_snapshot(host, {guest}), {}, settings);
    EXPECT_NE(verdict_of(made, "a", 0).home_node(), verdict_of(made, "a", 1).home_node());
}

TEST(Planner, AllowedNodesAreTheOnlyHomes) {
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

TEST(Planner, ANodeIsNotFilledBeyondItsWatermark) {
    Topology topology = make_topology(2, 8, 10 * gib);
    topology.nodes[0].memory_available = gib;  // others fill it
    const Snapshot host = make_snapshot(
        topology, {make_guest("a", 2, 1000, {0, 3 * gib}), make_guest("b", 2, 1000, {0, 3 * gib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
}

TEST(Planner, NoNodeWithRoomMeansNoHome) {
    Topology topology = make_topology(2, 8, 10 * gib);
    for (HostNode& node : topology.nodes)
        node.memory_available = 3 * gib;
    const Snapshot host = make_snapshot(topology, {make_guest("a", 2, 1000, {3 * gib, 3 * gib})});
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").reason, Reason::no_room);
}

TEST(Planner, ACellOfMemoryOnlyIsGatheredAndThenSettled) {
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

TEST(Planner, NodesWithoutCpusOrWithoutMemoryAreNoHomes) {
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

TEST(Planner, OneNodeMeansNothingToDo) {
    const Snapshot host =
        make_snapshot(make_topology(1, 2, 2 * gib), {make_guest("a", 2, 500, {200 * mib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::one_node);
    EXPECT_TRUE(made.actions.empty());
}

TEST(Planner, ASmallGainIsNoReasonToMove) {
    const Snapshot host = make_snapshot(make_topology(2, 8, 64 * gib),
                                        {make_guest("a", 2, 1000, {gib, gib + 64 * mib})});
    const Plan made = plan(host, history_with(host, NodeIndex(0), -1'000'000), settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
}

TEST(Planner, ACoolingCellStaysAndSaysWhatWouldBeBetter) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib),
                      {make_guest("a", 4, 4000, {gib, 0}), make_guest("b", 4, 4000, {gib, 0})});
    for (GuestState& guest : host.guests)
        guest.cells[0].confined_to = NodeIndex(0);
    const Plan cooling = plan(host, history_with(host, NodeIndex(0), -1000), settings);
    EXPECT_EQ(home_of(cooling, "a"), home_of(cooling, "b"));
    EXPECT_EQ(verdict_of(cooling, "a").alternative.value().lack, Lack::cool_down);
    EXPECT_EQ(verdict_of(cooling, "a").alternative.value().node, NodeIndex(1));
    const Plan later = plan(host, history_with(host, NodeIndex(0), -1'000'000), settings);
    EXPECT_NE(home_of(later, "a"), home_of(later, "b"));
}

TEST(Planner, FailuresDoubleTheCoolDown) {
    const Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib),
                      {make_guest("a", 4, 4000, {gib, 0}), make_guest("b", 4, 4000, {gib, 0})});
    History history = history_with(host, NodeIndex(0), -settings.cool_down - 1);
    EXPECT_NE(home_of(plan(host, history, settings), "a"),
              home_of(plan(host, history, settings), "b"));
    for (auto& [key, cell] : history.cells)
        cell.failures = 1;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"),
              home_of(plan(host, history, settings), "b"));
}

TEST(Planner, TwoGuestsThatFillTheirNodesTradePlaces) {
    // Each has its memory where the other lives, and neither node has room for both.
    const Snapshot host = make_snapshot(
        make_topology(2, 4, 10 * gib),
        {make_guest("a", 4, 3500, {gib, 5 * gib}), make_guest("b", 4, 3500, {5 * gib, gib})});
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), -1'000'000, 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), -1'000'000, 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::better_home);
}

TEST(Planner, AGuestNeedsRoomForWhatItMayStillTouch) {
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

TEST(Planner, ACellThatHasOutgrownItsHomeIsGivenItsCpusBack) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 10 * gib), {make_guest("grown", 6, 500, {gib, 0})});
    host.guests[0].cells[0].confined_to = NodeIndex(0);
    EXPECT_TRUE(plan(host, {}, settings).actions.empty()) << "the pins are not ours";
    host.guests[0].cells[0].pinned = true;
    const Plan made = plan(host, history_with(host, NodeIndex(0), 0), settings);
    EXPECT_EQ(verdict_of(made, "grown").reason, Reason::too_large);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(made.actions[0]));
    EXPECT_TRUE(plan(simulate(host, made), {}, settings).actions.empty());
}

TEST(Planner, AMemoryOnlyCellIsNoSibling) {
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

TEST(Planner, WhatFailedIsTriedAgainLaterAndLater) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 500, {gib, gib})});
    History history;
    int tried = 0;
    for (int tick = 0; tick < 300; ++tick) {
        host.now += 2000;
        const Plan made = plan(host, history, settings);
        std::vector<ActionResult> results;
        for (const Action& action : made.actions)
            results.push_back({action, 0, "refused"});
        tried += !results.empty();
        if (results.empty()) {
            EXPECT_EQ(verdict_of(made, "a").reason, Reason::retry_later);
        }
        history = learn(history, host, made, results);
    }
    EXPECT_GE(tried, 3);
    EXPECT_LE(tried, 8);
}

TEST(Planner, AHomeThatIsNoLongerAllowedIsLeftAtOnce) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 500, {gib, 0})});
    host.guests[0].cells[0].allowed = NodeSet();
    host.guests[0].cells[0].allowed.insert(NodeIndex(1));
    History history = history_with(host, NodeIndex(0), 0);
    history.cells.begin()->second.retry_at = 1000;  // of the former home
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::displaced);
    EXPECT_FALSE(made.actions.empty());
    EXPECT_EQ(learn(history, host, made, {}).cells.begin()->second.retry_at, 0);
}

// Three busy guests whose memory cannot be moved, each at home beside the next one's: no two of
// them may change places, and a node has the CPUs for one.
class Round : public ::testing::Test {
  protected:
    Round() {
        for (std::size_t g = 0; g < 3; ++g) {
            const std::size_t next = (g + 1) % 3;
            std::vector<Bytes> residency(3);
            residency[next] = gib;
            GuestState guest = make_guest(std::string(1, static_cast<char>('a' + g)), 2, use,
                                          std::move(residency));
            guest.cells[0].movable = false;
            guest.cells[0].allowed = NodeSet::only(NodeIndex(g)) | NodeSet::only(NodeIndex(next));
            history.cells[guest.cells[0].key] = {NodeIndex(g), 0};
            guests.push_back(std::move(guest));
        }
    }
    Snapshot host() const { return make_snapshot(make_topology(3, 2, 4 * gib), guests, now); }
    bool all_stay(const Plan& made) const {
        return home_of(made, "a") == NodeIndex(0) && home_of(made, "b") == NodeIndex(1) &&
               home_of(made, "c") == NodeIndex(2);
    }

    static constexpr MilliCpu use = 1900;
    static constexpr Millis now = 10 * 60 * 1000;  // the cool-down is over
    std::vector<GuestState> guests;
    History history;
};

TEST_F(Round, ThoseWhoGainOnlyTogetherChangeTheirHomesTogether) {
    const Plan made = plan(host(), history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(2));
    EXPECT_EQ(home_of(made, "c"), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "b").reason, Reason::better_home);
}

TEST_F(Round, NobodyChangesItsHomeWhileOneCoolsDown) {
    history.cells[{"uuid-b", 0}].home_since = now - 1000;
    EXPECT_TRUE(all_stay(plan(host(), history, settings)));
}

TEST_F(Round, AllTogetherHaveToGainByTheMargin) {
    // To go back alone is no choice: two would share a node's CPUs.
    const auto with_share_at_next = [&](Bytes percent) {
        for (std::size_t g = 0; g < 3; ++g) {
            std::vector<Bytes>& residency = guests[g].cells[0].residency;
            residency[(g + 1) % 3] = gib / 100 * percent;
            residency[g] = gib / 100 * (100 - percent);
        }
        return plan(host(), history, settings);
    };
    EXPECT_TRUE(all_stay(with_share_at_next(52)));
    EXPECT_FALSE(all_stay(with_share_at_next(75)));
}

// Large and small cells can only change places all at once. The nodes' loads are level then.
TEST(Planner, OneMakesRoomForSeveralAndTheyForIt) {
    GuestState fixed = make_guest("d", 1, 1300, {gib, 0});
    fixed.cells[0].allowed = NodeSet::only(NodeIndex(0));
    Snapshot host =
        make_snapshot(make_topology(2, 2, 40 * gib),
                      {make_guest("a", 2, 1300, {8 * gib, 0}), make_guest("b", 1, 50, {0, 4 * gib}),
                       make_guest("c", 1, 50, {0, 4 * gib}), fixed},
                      10 * 60 * 1000);
    for (GuestState& guest : host.guests)
        guest.policy.memory = MemoryPolicy::eager;
    HostNode& full = host.topology.nodes[1];
    full.memory_total = 8 * gib * 1000 / (1000 - settings.watermark) + 200 * mib;
    full.memory_available = full.memory_total - 8 * gib;
    History history;
    for (const GuestState& guest : host.guests)
        history.cells[guest.cells[0].key] = {
            guest.name == "b" || guest.name == "c" ? NodeIndex(1) : NodeIndex(0), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1)) << explain(verdict_of(made, "a"), host.topology);
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
    EXPECT_EQ(home_of(made, "c"), NodeIndex(0));
}

}  // namespace
}  // namespace vnuma
