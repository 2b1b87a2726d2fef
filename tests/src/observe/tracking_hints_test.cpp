#include "src/observe/tracking_hints.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

class HintsTest : public ::testing::Test {
  protected:
    HintsTest() {
        CellState cell;
        cell.key = {"u", 0};
        cell.vcpus = 2;
        cell.allowed = NodeSet::first(2);
        GuestState guest;
        guest.uuid = "u";
        guest.cells = {cell};
        snapshot.guests.push_back(guest);
        verdict.key = cell.key;
        snapshot.topology.nodes.resize(2);
        for (HostNode& node : snapshot.topology.nodes)
            node.cpus = 2, node.memory_total = 1;
    }
    TrackingHint hint() {
        plan.verdicts = {verdict};
        return derive_hints(before, snapshot, plan, results).at("u");
    }
    TrackingHints before;
    Snapshot snapshot;
    Plan plan;
    Verdict verdict;
    std::vector<ActionResult> results;
};

TEST_F(HintsTest, WhoTouchesWhatMattersForAGuestThatFitsNoNode) {
    EXPECT_FALSE(hint().attribute);
    verdict.reason = Reason::too_large;
    EXPECT_TRUE(hint().attribute);
    snapshot.guests[0].policy.mode = Mode::advise;
    EXPECT_FALSE(hint().attribute) << "nothing is to be done to it";
    snapshot.guests[0].policy.mode = Mode::act;
    snapshot.guests[0].cells[0].vcpus = 1;
    EXPECT_FALSE(hint().attribute) << "one vCPU touches all";
    snapshot.guests[0].cells[0].vcpus = 2;
    snapshot.guests[0].cells[0].allowed = NodeSet::only(NodeIndex(1));
    EXPECT_FALSE(hint().attribute) << "all is on one node, whoever touches it";
    snapshot.guests[0].cells[0].allowed = NodeSet::first(2);
    snapshot.topology.nodes[0].cpus = 0;
    EXPECT_FALSE(hint().attribute) << "the other node can be nobody's home";
}

TEST_F(HintsTest, WhoTouchesWhatMattersForAGuestThatIsBusierThanAnyNode) {
    snapshot.topology.nodes[0].cpu_capacity = snapshot.topology.nodes[1].cpu_capacity = 1200;
    snapshot.guests[0].cells[0].cpu_use = 1000;
    EXPECT_FALSE(hint().attribute);
    snapshot.guests[0].cells[0].cpu_use = 1100;
    EXPECT_TRUE(hint().attribute);
    snapshot.guests[0].unsteady = "it is paused";
    EXPECT_FALSE(hint().attribute);
}

TEST_F(HintsTest, OfAGuestThatIsLeftAloneForAMomentWhatMatteredStillDoes) {
    verdict.reason = Reason::split;
    before["u"] = hint();
    EXPECT_TRUE(before["u"].may_disturb);
    verdict.reason = Reason::unsteady;
    snapshot.guests[0].unsteady = "its CPU use is not known yet";
    EXPECT_TRUE(hint().attribute);
    EXPECT_FALSE(hint().may_disturb);
    before.clear();
    EXPECT_FALSE(hint().attribute);
}

TEST_F(HintsTest, OfAGuestWhoseShardsStayWhileTheMatrixBeginsAnewItMattersToo) {
    verdict.reason = Reason::unsteady;  // though nothing is wrong with the guest
    EXPECT_TRUE(hint().attribute);
}

TEST_F(HintsTest, WhoIsNotToBeActedOnAnyMoreIsNotTouchedAnyMore) {
    before["u"] = hint();
    GuestPolicies policies;
    policies["u"].mode = Mode::act;
    withdraw_hints(before, policies);
    EXPECT_TRUE(before["u"].may_disturb);
    policies["u"].mode = Mode::observe;
    withdraw_hints(before, policies);
    EXPECT_FALSE(before["u"].may_disturb);
    EXPECT_FALSE(before["u"].wanted);
    before["u"].wanted = before["u"].may_disturb = true;
    policies["u"].mode = Mode::advise;
    withdraw_hints(before, policies);
    EXPECT_FALSE(before["u"].may_disturb);
    EXPECT_TRUE(before["u"].wanted);
}

TEST_F(HintsTest, WhereNothingIsDoneNorAdvisedNothingIsTracked) {
    EXPECT_TRUE(hint().wanted);
    for (const Mode mode : {Mode::off, Mode::observe}) {
        snapshot.guests[0].policy.mode = mode;
        EXPECT_FALSE(hint().wanted) << name(mode) << ": every tracker writes to the kernel";
    }
    snapshot.guests[0].policy.mode = Mode::advise;
    EXPECT_TRUE(hint().wanted);
    snapshot.topology.nodes.resize(1);
    EXPECT_FALSE(hint().wanted);
}

TEST_F(HintsTest, TheMapOfAGuestWithVnumaTellsWhatBelongsTogether) {
    verdict.reason = Reason::too_large;
    snapshot.guests[0].cells.push_back(snapshot.guests[0].cells[0]);
    snapshot.guests[0].cells[1].key.cell = 1;
    EXPECT_FALSE(hint().attribute);
}

TEST_F(HintsTest, AGuestThatHasSettledIsWellPlaced) {
    EXPECT_TRUE(hint().well_placed);
    verdict.reason = Reason::settling;
    EXPECT_FALSE(hint().well_placed);
}

TEST_F(HintsTest, PinsAndMovedMemoryAreChanges) {
    EXPECT_FALSE(hint().changed || hint().moved);
    results = {{MoveMemory{verdict.key, NodeIndex(0), 5, {}}, 0, ""},
               {PinCell{verdict.key, NodeIndex(0), {}}, 0, "refused"}};
    EXPECT_FALSE(hint().changed || hint().moved) << "neither did anything";
    results[0].bytes = 5;
    EXPECT_TRUE(hint().moved);
    EXPECT_FALSE(hint().changed) << "who uses it is as before";
    results = {{PinCell{verdict.key, NodeIndex(0), {}}, 0, ""}};
    EXPECT_TRUE(hint().changed);
}

}  // namespace
}  // namespace vnuma
