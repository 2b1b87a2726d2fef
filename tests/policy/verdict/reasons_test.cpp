// Verdicts of whole plans have their numbers: bytes, CPUs, seconds, and the guest in the way.
#include <gtest/gtest.h>

#include "policy/verdict/explain.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

struct Explained {
    Verdict verdict;
    std::string text;
};

// The verdict for a guest of one cell.
Explained explained(const Snapshot& host, const std::string& name, const History& history = {}) {
    const Verdict verdict = verdict_of(plan(host, history, settings), name);
    return {verdict, explain(verdict, host.topology)};
}

Snapshot in_group(Arrangement arrangement, Snapshot host) {
    host.groups = {{"g", arrangement}};
    for (GuestState& guest : host.guests)
        guest.policy.group = "g";
    return host;
}

TEST(Verdicts, SayHowMuchRoomTheNearestNodeHasWhereNoneHasEnough) {
    Topology topology = make_topology(2, 8, 10'000 * mib);
    topology.nodes[0].memory_available = 4000 * mib;
    topology.nodes[1].memory_available = 5000 * mib;
    const Explained a = explained(
        make_snapshot(topology, {make_guest("a", 2, 1000, {3000 * mib, 3000 * mib})}), "a");
    EXPECT_EQ(a.verdict.reason, Reason::no_room);
    EXPECT_EQ(a.verdict.alternative.value().node, NodeIndex(1));
    EXPECT_EQ(a.verdict.alternative.value().lack, Lack::memory);
    EXPECT_EQ(a.verdict.alternative->shortage.value().wanted, 3000 * mib) << "the rest is there";
    EXPECT_EQ(a.verdict.alternative->shortage.value().room, 1500 * mib)
        << "5000, less 3000 of its own and the watermark's 500";
    EXPECT_EQ(a.text,
              "the cell has no home because no node it may use has room for its memory: node 1 "
              "comes nearest, with 1500 MiB for 3000 MiB");
}

TEST(Verdicts, SayHowMuchRoomACheaperNodeHas) {
    Snapshot host = make_snapshot(make_topology(2, 8, 10'000 * mib),
                                  {make_guest("a", 2, 1000, {1000 * mib, 0})});
    host.topology.nodes[1].memory_available = 1200 * mib;
    const Explained a = explained(host, "a");
    EXPECT_EQ(a.verdict.home_node(), NodeIndex(0));
    EXPECT_EQ(a.verdict.alternative.value().lack, Lack::memory);
    EXPECT_EQ(a.verdict.alternative->shortage.value().wanted, 1000 * mib);
    EXPECT_EQ(a.verdict.alternative->shortage.value().room, 700 * mib);
    EXPECT_NE(a.text.find("node 1 has no room for its memory: 700 MiB for 1000 MiB"),
              std::string::npos)
        << a.text;
}

TEST(Verdicts, SayHowLargeTheCellIsAndWhatTheLargestNodeHolds) {
    Topology topology = make_topology(3, 2, 2000 * mib);
    topology.nodes[2].cpus = 3;
    GuestState guest = make_guest("a", 4, 500, {100 * mib, 0, 0});
    guest.cells[0].size = 2100 * mib;
    const Explained a = explained(make_snapshot(topology, {guest}), "a");
    EXPECT_EQ(a.verdict.reason, Reason::too_large);
    EXPECT_EQ(a.verdict.alternative.value().node, NodeIndex(2)) << "the most CPUs";
    EXPECT_EQ(
        a.text,
        "the cell has no home because it is larger than any node it may use (it has 4 vCPUs and "
        "2100 MiB, node 2 has 3 CPUs and holds 1900 MiB), and which vCPU accesses what is not "
        "known yet");
    guest.cells[0].allowed = NodeSet::only(NodeIndex(0));
    EXPECT_EQ(explained(make_snapshot(topology, {guest}), "a").verdict.alternative.value().node,
              NodeIndex(0));
}

TEST(Verdicts, SayHowFarTheFormerHomeIsAboveItsWatermark) {
    Snapshot host =
        make_snapshot(make_topology(2, 8, 16'000 * mib), {make_guest("a", 2, 500, {4 * gib, 0})});
    host.topology.nodes[0].memory_available = 700 * mib;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    const Explained a = explained(host, "a", history);
    EXPECT_EQ(a.verdict.reason, Reason::relief);
    EXPECT_EQ(a.verdict.home->former.value().above_watermark, 100 * mib);
    EXPECT_EQ(a.text.find("node 1 becomes the new home of the cell because node 0 is 100 MiB above "
                          "its watermark: that costs "),
              0U)
        << a.text;
}

TEST(Verdicts, NameAThirdNodeWhenTheCellMoves) {
    Snapshot host = make_snapshot(make_topology(3, 8, 16'000 * mib),
                                  {make_guest("a", 2, 500, {4 * gib, 0, 0})});
    host.topology.nodes[0].memory_available = 700 * mib;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    Explained a = explained(host, "a", history);
    ASSERT_EQ(a.verdict.reason, Reason::relief);
    EXPECT_EQ(a.verdict.alternative.value().node, NodeIndex(2));
    EXPECT_EQ(a.verdict.alternative.value().lack, Lack::cheaper);
    EXPECT_GE(a.verdict.alternative->cost, a.verdict.home->cost);
    EXPECT_NE(a.text.find("; node 2 would cost"), std::string::npos) << a.text;
    host.topology.nodes[2].memory_available = 0;
    a = explained(host, "a", history);
    EXPECT_EQ(a.verdict.alternative.value().node, NodeIndex(0))
        << "the cheaper one of two without room";
    EXPECT_EQ(a.verdict.alternative.value().lack, Lack::memory);
    EXPECT_EQ(a.text.find(';'), std::string::npos) << a.text;
}

TEST(Verdicts, SayWhatJoiningAGroupCosts) {
    const Snapshot host = in_group(
        Arrangement::together,
        make_snapshot(make_topology(2, 8, 64 * gib),
                      {make_guest("a", 2, 500, {4 * gib, 0}), make_guest("b", 2, 500, {0, gib})}));
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), 0};
    const Explained b = explained(host, "b", history);
    EXPECT_EQ(b.verdict.reason, Reason::with_group);
    EXPECT_EQ(b.text.find("the cell joins its group on node 0, and 1024 MiB of its memory move "
                          "there: that costs "),
              0U)
        << b.text;
    EXPECT_NE(b.text.find(" ms on node 1"), std::string::npos) << b.text;
}

TEST(Verdicts, SayHowLongTheCoolDownLasts) {
    Snapshot host = make_snapshot(
        make_topology(2, 4, 64 * gib),
        {make_guest("a", 4, 2000, {gib, 0}), make_guest("b", 4, 2000, {gib, 0})}, 100'500);
    History history;
    for (const char* name : {"uuid-a", "uuid-b"})
        history.cells[{name, 0}] = {NodeIndex(0), 100'000};
    history.cells[{"uuid-a", 0}].failures = 1;
    const Explained a = explained(host, "a", history), b = explained(host, "b", history);
    EXPECT_EQ(a.verdict.wait, 2 * settings.cool_down - 500);
    EXPECT_EQ(b.verdict.wait, settings.cool_down - 500);
    EXPECT_NE(b.text.find("moved recently and stays for another 300 s"), std::string::npos)
        << b.text;
}

TEST(Verdicts, SayWhenAFailedActionIsRepeated) {
    const Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 500, {gib, gib})}, 1000);
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0, 1, 21'000};
    const Explained a = explained(host, "a", history);
    EXPECT_EQ(a.verdict.reason, Reason::retry_later);
    EXPECT_EQ(a.verdict.wait, 20'000);
    EXPECT_NE(a.text.find("the next one is in 20 s"), std::string::npos) << a.text;
}

TEST(Verdicts, SayWhenAFailedActionIsRepeatedEvenDuringACoolDown) {
    Snapshot host = make_snapshot(
        make_topology(2, 4, 64 * gib),
        {make_guest("a", 4, 2000, {gib, 0}), make_guest("b", 4, 2000, {gib, 0})}, 100'500);
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 100'000, 1, 121'000};
    history.cells[{"uuid-b", 0}] = {NodeIndex(0), 100'000};
    const Explained a = explained(host, "a", history);
    EXPECT_EQ(a.verdict.reason, Reason::retry_later);
    EXPECT_EQ(a.verdict.alternative.value().lack, Lack::cool_down);
    EXPECT_EQ(a.verdict.wait, 20'500);
}

TEST(Verdicts, NameTheGuestThatAGroupKeepsApart) {
    std::vector<GuestState> guests{make_guest("a", 1, 50, {2 * gib, 0}),
                                   make_guest("b", 1, 50, {0, 2 * gib}),
                                   make_guest("c", 1, 50, {gib, 0})};
    guests[0].uuid = guests[0].cells[0].key.uuid = "z";  // not the order of names
    const Snapshot host = in_group(Arrangement::apart,
                                   make_snapshot(make_topology(2, 8, 64 * gib), std::move(guests)));
    const Plan made = plan(host, {}, settings);
    const Explained c = explained(host, "c");
    EXPECT_EQ(c.verdict.reason, Reason::kept_apart);
    EXPECT_EQ(c.verdict.alternative.value().lack, Lack::apart);
    EXPECT_EQ(c.verdict.alternative->apart_from, "a");
    EXPECT_EQ(
        c.text,
        "the cell has no home because its group is kept apart and has a guest on every node it "
        "may use: node 0 has a");
    const Verdict& b = verdict_of(made, "b");
    EXPECT_EQ(b.alternative.value().apart_from, "a");
    EXPECT_NE(explain(b, host.topology).find("node 0 has a, which its group keeps apart from it"),
              std::string::npos)
        << explain(b, host.topology);
}

TEST(Verdicts, SayThatNoNodeHasRoomForTheWholeGroup) {
    const auto of_guests = [](Bytes each) {
        return in_group(Arrangement::together, make_snapshot(make_topology(2, 8, 16 * gib),
                                                             {make_guest("a", 2, 500, {each, 0}),
                                                              make_guest("b", 2, 500, {0, each})}));
    };
    const Explained parted = explained(of_guests(8 * gib), "a"),
                    whole = explained(of_guests(gib), "a");
    EXPECT_TRUE(parted.verdict.group_parted);
    EXPECT_NE(parted.text.find("; its group belongs together, but no node has room for all of it"),
              std::string::npos)
        << parted.text;
    EXPECT_FALSE(whole.verdict.group_parted);
    Snapshot elsewhere = of_guests(gib);
    elsewhere.guests[0].cells[0].allowed = NodeSet::only(NodeIndex(0));
    elsewhere.guests[1].cells[0].allowed = NodeSet::only(NodeIndex(1));
    EXPECT_FALSE(explained(elsewhere, "a").verdict.group_parted) << "room is not what they lack";
}

}  // namespace
}  // namespace vnuma
