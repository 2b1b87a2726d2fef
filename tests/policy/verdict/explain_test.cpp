#include "policy/verdict/explain.hpp"

#include <gtest/gtest.h>

#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

// Nodes 0, 4 and 8 by the kernel's numbers.
Topology three_nodes() {
    Topology topology = make_topology(3, 2, gib);
    for (HostNode& node : topology.nodes)
        node.id *= 4;
    return topology;
}

struct Case {
    Reason reason;
    const char* sentence;
};

class EveryReason : public ::testing::TestWithParam<Case> {
  protected:
    // A verdict that has all that a reason may need.
    static Verdict verdict() {
        Verdict verdict{{"u", 0}, GetParam().reason};
        if (has_home(GetParam().reason)) {
            verdict.home = Home{NodeIndex(1), 100, FormerHome{NodeIndex(0), 900, 64 * mib}};
            verdict.home->to_move = 300 * mib;
        } else {
            verdict.alternative = Alternative{NodeIndex(2)};
            verdict.alternative->shortage = Shortage{3 * gib, gib, 8};
            verdict.alternative->apart_from = "web";
        }
        verdict.wait = 4'001;
        verdict.detail = "DETAIL";
        return verdict;
    }

    static bool has_home(Reason reason) {
        return reason < Reason::split || reason == Reason::retry_later;
    }
};

TEST_P(EveryReason, HasASentence) {
    EXPECT_EQ(explain(verdict(), three_nodes()), GetParam().sentence);
}

const Case cases[] = {
    {Reason::settled, "the cell is at home on node 4; no other node is allowed and large enough"},
    {Reason::settling,
     "the cell is going home to node 4: 300 MiB of its memory are still to move; no other node is "
     "allowed and large enough"},
    {Reason::first_home,
     "node 4 becomes the first home of the cell, and 300 MiB of its memory move there; no other "
     "node is allowed and large enough"},
    {Reason::better_home,
     "node 4 becomes the new home of the cell: that costs 100 ms of CPU time instead of 900 ms on "
     "node 0; no other node is allowed and large enough"},
    {Reason::made_way,
     "node 4 becomes the new home of the cell so that others gain more than it loses: that costs "
     "100 ms of CPU time instead of 900 ms on node 0; no other node is allowed and large enough"},
    {Reason::relief,
     "node 4 becomes the new home of the cell because node 0 is 64 MiB above its watermark: that "
     "costs 100 ms of CPU time instead of 900 ms on node 0; no other node is allowed and large "
     "enough"},
    {Reason::with_group,
     "the cell joins its group on node 4, and 300 MiB of its memory move there: that costs 100 ms "
     "of CPU time instead of 900 ms on node 0; no other node is allowed and large enough"},
    {Reason::displaced,
     "node 4 becomes the new home of the cell because node 0 DETAIL: that costs 100 ms of CPU time "
     "instead of 900 ms on node 0; no other node is allowed and large enough"},
    {Reason::split, "the cell fits no node as a whole and is placed in shards: DETAIL"},
    {Reason::unsteady, "vnumad leaves the guest alone for now: DETAIL"},
    {Reason::off, "vnumad leaves the guest alone because the mode of its policy is off"},
    {Reason::one_node, "vnumad leaves the guest alone because the host has one NUMA node"},
    {Reason::not_allowed,
     "the cell has no home because its owner and its policy together allow no node that could be "
     "one"},
    {Reason::too_large,
     "the cell has no home because it is larger than any node it may use (it has 8 vCPUs and "
     "3072 MiB, node 8 has 2 CPUs and holds 1024 MiB), and DETAIL"},
    {Reason::no_room,
     "the cell has no home because no node it may use has room for its memory: node 8 comes "
     "nearest, with 1024 MiB for 3072 MiB"},
    {Reason::kept_apart,
     "the cell has no home because its group is kept apart and has a guest on every node it may "
     "use: node 8 has web"},
    {Reason::roams,
     "the cell has no home because it costs less on all CPUs that its owner lets it use; the best "
     "node, node 8, would cost 0 ms of CPU time instead of 0 ms, but the guest had a new home or "
     "gave one up recently, and stays without one for another 5 s"},
    {Reason::retry_later,
     "the cell has node 4 as its home, but the last attempt to pin vCPUs or move memory failed; "
     "the next one is in 5 s"},
};
INSTANTIATE_TEST_SUITE_P(Table, EveryReason, ::testing::ValuesIn(cases));

TEST(Explanation, ExistsForEveryReason) {
    EXPECT_EQ(std::size(cases), reasons.size());
}

Verdict settled(Lack lack) {
    Verdict verdict{{"u", 0}, Reason::settled};
    verdict.home = Home{NodeIndex(1), 100};
    verdict.alternative = Alternative{NodeIndex(2), lack, 40};
    return verdict;
}

TEST(Explanation, SaysWhatTheBestOtherNodeLacks) {
    const auto text = [](Verdict verdict) {
        verdict.alternative->shortage = Shortage{gib, -mib};
        verdict.alternative->apart_from = "web";
        verdict.wait = 9'000;
        const std::string sentence = explain(verdict, three_nodes());
        return sentence.substr(sentence.find("; ") + 2);
    };
    const std::string cost = "node 8 would cost 40 ms of CPU time instead of 100 ms";
    EXPECT_EQ(text(settled(Lack::memory)), "node 8 has no room for its memory: 0 MiB for 1024 MiB");
    EXPECT_EQ(text(settled(Lack::apart)), "node 8 has web, which its group keeps apart from it");
    EXPECT_EQ(text(settled(Lack::cheaper)), cost);
    EXPECT_EQ(text(settled(Lack::margin)), cost + ", which gains too little to move");
    EXPECT_EQ(
        text(settled(Lack::balance)),
        cost + ", but only because it has slightly less CPU load, which is no reason to move");
    EXPECT_EQ(text(settled(Lack::cool_down)),
              cost + ", but the guest or its group moved recently and stays for another 9 s");
    EXPECT_EQ(text(settled(Lack::shards)),
              cost + ", but other shards may replace this one: the next check is in 9 s");
    EXPECT_EQ(text(settled(Lack::changes)),
              cost +
                  ", but homes of the guest or its group changed too often in the last hour, and "
                  "it stays for another 9 s");
}

TEST(Explanation, SaysHowMuchMemoryStaysElsewhere) {
    Verdict verdict = settled(Lack::cheaper);
    verdict.home->left_away = 7 * gib;
    EXPECT_EQ(explain(verdict, three_nodes())
                  .find("the cell is at home on node 4, and 7168 MiB of "
                        "its memory stay on other nodes because it "
                        "accesses them too little; "),
              0U)
        << explain(verdict, three_nodes());
}

TEST(Explanation, SaysWhereTheMemoryIsIfTheHomeHasNone) {
    Verdict verdict = settled(Lack::cheaper);
    verdict.home->memory = NodeIndex(2);
    EXPECT_EQ(explain(verdict, three_nodes())
                  .find("the cell is at home on node 4, with its memory on node 8; "),
              0U)
        << explain(verdict, three_nodes());
}

TEST(Explanation, SaysThatVcpusMayAllRunOnOneIsolatedCpu) {
    Verdict verdict = settled(Lack::cheaper);
    verdict.unspread_vcpus = 4;
    EXPECT_NE(explain(verdict, three_nodes())
                  .find("; 4 of its vCPUs may run on several isolated CPUs, over which the kernel "
                        "does not spread threads: each should be pinned to one of them"),
              std::string::npos)
        << explain(verdict, three_nodes());
}

TEST(Explanation, SaysThatOnlyVcpusAreMissing) {
    Verdict verdict = settled(Lack::cheaper);
    verdict.reason = Reason::settling;
    verdict.key.shard = 0;
    EXPECT_EQ(
        explain(verdict, three_nodes())
            .find("the shard is going home to node 4: its vCPUs are not all pinned there yet"),
        0U)
        << explain(verdict, three_nodes());
}

TEST(Explanation, SaysWhenAHomeIsOnlyPlanned) {
    Verdict verdict = settled(Lack::cheaper);
    EXPECT_EQ(explain(verdict, three_nodes()).find("planned only"), std::string::npos);
    verdict.acts = false;
    EXPECT_NE(explain(verdict, three_nodes())
                  .find(" (planned only: the mode of the guest's policy is not act)"),
              std::string::npos);
}

}  // namespace
}  // namespace vnuma
