#include "src/control/orders/judge_move.hpp"

#include <gtest/gtest.h>

#include "policy/learn.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma::control {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

class JudgeMoveTest : public ::testing::Test {
  protected:
    // The homes are those of the first plan.
    MoveOpinion judge(int node) {
        const History history = learn({}, host, plan(host, {}, settings), {});
        return judge_move(host, history, settings, 0, {{0, node}});
    }

    Snapshot host =
        make_snapshot(make_topology(2, 4, 16 * gib), {make_guest("web", 2, 1000, {4 * gib, 0})});
};

TEST_F(JudgeMoveTest, AMoveAwayFromItsMemoryCostsMoreAndNeedsForce) {
    const MoveOpinion opinion = judge(1);
    EXPECT_TRUE(opinion.possible);
    EXPECT_TRUE(opinion.costs_more) << opinion.text;
    EXPECT_FALSE(opinion.is_accepted(false));
    EXPECT_TRUE(opinion.is_accepted(true));
    EXPECT_NE(opinion.text.find("instead of"), std::string::npos) << opinion.text;
}

TEST_F(JudgeMoveTest, WhereItIsAtHomeNothingIsToBeDone) {
    EXPECT_TRUE(judge(0).is_accepted(false));
    EXPECT_EQ(judge(0).text, "web is at home on node 0 already");
}

TEST_F(JudgeMoveTest, ForceDoesNotHelpAgainstOwnerAndPolicy) {
    const auto is_impossible = [&](const std::string& why) {
        const MoveOpinion opinion = judge(1);
        EXPECT_FALSE(opinion.is_accepted(true));
        EXPECT_NE(opinion.text.find(why), std::string::npos) << opinion.text;
    };
    GuestState& guest = host.guests[0];
    const GuestState before = guest;
    guest.policy.mode = Mode::observe;
    is_impossible("mode observe");
    guest = before;
    guest.unsteady = "it migrates";
    is_impossible("it migrates");
    guest = before;
    guest.policy.nodes = {0};
    is_impossible("its policy allows node 0 only");
    guest = before;
    guest.policy.home = {0};
    is_impossible("its policy fixes its home on node 0");
    guest = before;
    guest.cells[0].allowed = NodeSet::only(NodeIndex(0));
    is_impossible("its owner allows cell 0 no home on node 1");
    guest = before;
    host.topology.nodes[1].memory_available = 0;
    is_impossible("cannot move to node 1");
}

TEST_F(JudgeMoveTest, ANodeThatDoesNotExistIsNoHome) {
    EXPECT_EQ(judge(7).text, "web cannot move to node 7: node 7 does not exist on this host");
}

TEST_F(JudgeMoveTest, AMoveToItsMemoryIsAccepted) {
    // At home on node 0, and all of its memory has gone to node 1 since.
    const History history = learn({}, host, plan(host, {}, settings), {});
    host.guests[0].cells[0].residency = {0, 4 * gib};
    host.guests[0].cells[0].heat = {0, 2 * gib};
    const MoveOpinion opinion = judge_move(host, history, settings, 0, {{0, 1}});
    EXPECT_TRUE(opinion.is_accepted(false)) << opinion.text;
}

TEST(HomesOfCells, AreOneForAllOrOneForEach) {
    GuestState guest = make_guest("web", 2, 1000, {gib, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 3;  // cells 1 and 2 are empty
    const auto homes = [&](const std::vector<int>& nodes) {
        return std::get<HomeOfCell>(homes_of_cells(guest, nodes));
    };
    EXPECT_EQ(homes({1}), (HomeOfCell{{0, 1}, {3, 1}}));
    EXPECT_EQ(homes({1, 0}), (HomeOfCell{{0, 1}, {3, 0}}));
    EXPECT_EQ(homes({1, 0, 0, 2}), (HomeOfCell{{0, 1}, {3, 2}}));
    for (const std::vector<int>& nodes : {std::vector<int>{}, {1, 0, 1}, {0, 0, 0, 0, 0}})
        EXPECT_TRUE(std::holds_alternative<Refused>(homes_of_cells(guest, nodes)));
}

}  // namespace
}  // namespace vnuma::control
