#include "policy/search/move_schedule.hpp"

#include <gtest/gtest.h>

#include "policy/learn.hpp"
#include "policy/verdict/explain.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;
const Bytes all = settings.pace / 1000 * settings.horizon;
const Topology host = make_topology(2, 4, 100 * all);

MoveRequest move_of(int cell, Bytes bytes, std::int64_t gain) {
    MoveRequest wanted;
    wanted.move = {{"g", cell}, NodeIndex(0), bytes};
    wanted.verdict = static_cast<std::size_t>(cell);
    wanted.gain = gain;
    return wanted;
}

MoveSchedule scheduled(std::vector<MoveRequest> moves, const Topology& on = host) {
    return schedule_moves(std::move(moves), on, settings);
}

std::vector<int> cells_of(const MoveSchedule& schedule) {
    std::vector<int> cells;
    for (const MoveMemory& move : schedule.begin)
        cells.push_back(move.key.cell);
    return cells;
}

TEST(MoveSchedule, MovesThatFitTheHorizonBeginAtOnceTheHighestRankFirst) {
    const MoveSchedule schedule =
        scheduled({move_of(0, all / 4, 5), move_of(1, all / 4, 9), move_of(2, all / 4, 7)});
    EXPECT_EQ(cells_of(schedule), (std::vector<int>{1, 2, 0}));
    EXPECT_TRUE(schedule.wait.empty());
}

TEST(MoveSchedule, AMoveThatWaitsKnowsHowManyBytesComeFirst) {
    const MoveSchedule schedule =
        scheduled({move_of(0, all / 2, 5), move_of(1, all / 2, 9), move_of(2, all / 2, 7)});
    EXPECT_EQ(cells_of(schedule), (std::vector<int>{1, 2}));
    ASSERT_EQ(schedule.wait.size(), 1U);
    EXPECT_EQ(schedule.wait[0].verdict, 0U);
    EXPECT_EQ(schedule.wait[0].queued_behind, 2 * (all / 2));
}

TEST(MoveSchedule, SmallMovesDoNotStarveALargeOne) {
    const MoveSchedule schedule =
        scheduled({move_of(0, all / 2, 9), move_of(1, all, 8), move_of(2, mib, 7)});
    EXPECT_EQ(cells_of(schedule), (std::vector<int>{0}));
    ASSERT_EQ(schedule.wait.size(), 2U);
    EXPECT_EQ(schedule.wait[1].verdict, 2U);
    EXPECT_EQ(schedule.wait[1].queued_behind, all / 2 + all);
    EXPECT_EQ(cells_of(scheduled({move_of(0, 9 * all, 9), move_of(1, mib, 8)})),
              (std::vector<int>{0}))
        << "the first move begins however large it is";
}

TEST(MoveSchedule, ReliefComesBeforePriorityAndThatBeforeGain) {
    std::vector<MoveRequest> moves{move_of(0, mib, 9), move_of(1, mib, 1), move_of(2, mib, 0)};
    moves[1].priority = 1;
    moves[2].relieves = true;
    EXPECT_EQ(cells_of(scheduled(moves)), (std::vector<int>{2, 1, 0}));
}

TEST(MoveSchedule, CellsThatSwapHomesMoveAtTheSameTime) {
    Topology full = make_topology(2, 4, 2 * all);
    for (HostNode& node : full.nodes)
        node.memory_available = node.memory_total - max_used_memory(node, settings) + 64 * mib;
    std::vector<MoveRequest> moves{move_of(0, all, 9), move_of(1, all / 2, 8), move_of(2, all, 1)};
    moves[0].from = {0, all};
    moves[1].from = {0, all / 2};  // makes no room on node 0
    moves[2].move.to = NodeIndex(1);
    moves[2].from = {all, 0};
    EXPECT_EQ(cells_of(scheduled(moves, full)), (std::vector<int>{0, 2}));
    moves[2].huge_page = 2 * mib;
    EXPECT_EQ(cells_of(scheduled(moves, full)), (std::vector<int>{0}))
        << "it makes room in another pool";
}

TEST(MoveSchedule, AMoveThatRelievesANodeComesFirst) {
    // Node 0 is above its watermark. The idle guest leaves it for node 1; so does the busy guest
    // from node 2.
    Snapshot snapshot = make_snapshot(make_topology(3, 8, 64 * gib),
                                      {make_guest("idle", 1, 10, {10 * gib, 0, 0}),
                                       make_guest("busy", 4, 3000, {0, 0, 10 * gib})});
    snapshot.topology.nodes[0].memory_available = gib;
    History history;
    history.cells[{"uuid-idle", 0}] = {NodeIndex(1), 0};
    history.cells[{"uuid-busy", 0}] = {NodeIndex(1), 0};
    snapshot.guests[0].cells[0].allowed = snapshot.guests[1].cells[0].allowed =
        NodeSet::only(NodeIndex(1));
    const Plan made = plan(snapshot, history, settings);
    EXPECT_EQ(verdict_of(made, "idle").home.value().queued_behind, 0);
    EXPECT_EQ(verdict_of(made, "busy").home.value().queued_behind, 10 * gib);
}

// 20 guests of 4 GiB on the wrong node, each busier than the one before. The horizon is enough for
// 15 of the 80 GiB.
TEST(MoveSchedule, TheBusiestGuestsComeFirstAndAllInTheEnd) {
    std::vector<GuestState> guests;
    for (int g = 0; g < 20; ++g)
        guests.push_back(make_guest("g" + std::to_string(g), 1, 300 + 10 * g, {0, 4 * gib}));
    for (GuestState& guest : guests)
        guest.cells[0].allowed = NodeSet::only(NodeIndex(0)),
        guest.policy.home = {0};
    Snapshot host = make_snapshot(make_topology(2, 32, 256 * gib), guests);
    History history;
    Plan made = plan(host, history, settings);
    Bytes moving = 0;
    for (const Action& action : made.actions)
        if (const auto* move = std::get_if<MoveMemory>(&action)) moving += move->bytes;
    EXPECT_EQ(moving, 12 * gib);
    EXPECT_EQ(verdict_of(made, "g19").home.value().queued_behind, 0);
    EXPECT_EQ(verdict_of(made, "g0").home.value().queued_behind, 76 * gib);
    EXPECT_NE(explain(verdict_of(made, "g0"), host.topology).find("after 77824 MiB of other moves"),
              std::string::npos)
        << explain(verdict_of(made, "g0"), host.topology);
    int ticks = 0;
    for (; !made.actions.empty() && ticks < 20; ++ticks) {
        history = learn(history, host, made, {});
        host = simulate(host, made);
        made = plan(host, history, settings);
    }
    EXPECT_EQ(ticks, 7) << "three guests move in each tick";
}

}  // namespace
}  // namespace vnuma
