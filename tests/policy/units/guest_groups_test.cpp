// Placement of guests in groups.
#include <gtest/gtest.h>

#include "policy/planner.hpp"
#include "policy/verdict/explain.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

Snapshot grouped(Arrangement arrangement, std::vector<GuestState> guests, std::size_t nodes = 2) {
    for (GuestState& guest : guests)
        guest.policy.group = "g";
    Snapshot host = make_snapshot(make_topology(nodes, 4, 8 * gib), std::move(guests));
    host.groups = {{"g", arrangement}};
    return host;
}

TEST(Groups, TogetherHaveOneHome) {
    const Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {gib, 0}),
                                                          make_guest("b", 2, 900, {0, gib})});
    const Plan made = plan(host, {}, settings);
    ASSERT_TRUE(home_of(made, "a"));
    EXPECT_EQ(home_of(made, "a"), home_of(made, "b"));
}

TEST(Groups, AMemberWithAnotherHomeJoinsTheGroup) {
    const Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {2 * gib, 0}),
                                                          make_guest("b", 2, 900, {0, gib})});
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "b").reason, Reason::with_group);
}

TEST(Groups, TogetherAreSpreadIfNoNodeHoldsAllMembers) {
    const Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {5 * gib, 0}),
                                                          make_guest("b", 2, 900, {0, 5 * gib})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
}

TEST(Groups, ApartAreOnDifferentNodes) {
    const Snapshot host = grouped(
        Arrangement::apart, {make_guest("a", 1, 50, {gib, 0}), make_guest("b", 1, 50, {gib, 0})});
    const Plan made = plan(host, {}, settings);
    EXPECT_NE(home_of(made, "a"), home_of(made, "b"));
    EXPECT_EQ(verdict_of(made, "a").alternative.value().lack, Lack::apart);
}

TEST(Groups, OfMembersApartWithOneHomeTheLatestIsDisplaced) {
    const Snapshot host = grouped(Arrangement::apart, {make_guest("a", 1, 50, {gib, 0}),
                                                       make_guest("b", 1, 50, {2 * gib, 0})});
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), -2000};
    history.cells[{"uuid-b", 0}] = {NodeIndex(0), -1000};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
}

TEST(Groups, OfMembersApartThatGotOneHomeAtOnceTheLargestStays) {
    Snapshot host = grouped(Arrangement::apart, {make_guest("a", 1, 50, {gib, 0}),
                                                 make_guest("b", 1, 50, {2 * gib, 0})});
    History history;
    for (const char* name : {"uuid-a", "uuid-b"})
        history.cells[{name, 0}] = {NodeIndex(0), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
    const Verdict& verdict = verdict_of(made, "a");
    EXPECT_EQ(verdict.reason, Reason::displaced);
    EXPECT_NE(explain(verdict, host.topology).find("node 0 has b, which its group"),
              std::string::npos)
        << explain(verdict, host.topology);
}

TEST(Groups, ApartIncludesMembersThatAreLeftAlone) {
    std::vector<GuestState> guests{make_guest("a", 1, 50, {gib, 0}),
                                   make_guest("b", 1, 50, {gib, 0})};
    guests[0].unsteady = "it is migrating";
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    EXPECT_EQ(home_of(plan(grouped(Arrangement::apart, guests), history, settings), "b"),
              NodeIndex(1));
    guests[0].unsteady.clear();
    guests[0].policy.mode = Mode::observe;
    guests[0].cells[0].confined_to = NodeIndex(0);
    EXPECT_EQ(home_of(plan(grouped(Arrangement::apart, guests), {}, settings), "b"), NodeIndex(1));
}

TEST(Groups, ApartSeparatesGuestsButNotTheCellsOfAGuest) {
    GuestState guest = make_guest("a", 1, 50, {gib, 0});
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    for (CellState& cell : guest.cells)
        cell.allowed = NodeSet::only(NodeIndex(0));
    const Plan made =
        plan(grouped(Arrangement::apart, {guest, make_guest("b", 1, 50, {gib, 0})}), {}, settings);
    EXPECT_EQ(verdict_of(made, "a", 0).home_node(), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "a", 1).home_node(), NodeIndex(0));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
}

TEST(Groups, TogetherGoToANodeWithRoomForAllMembers) {
    const auto planned = [](Bytes used_on_first, Bytes used_on_second) {
        Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {1600 * mib, 0}),
                                                        make_guest("b", 2, 900, {0, 1500 * mib})});
        host.topology.nodes[0].memory_available -= used_on_first;
        host.topology.nodes[1].memory_available -= used_on_second;
        History history;
        history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
        history.cells[{"uuid-b", 0}] = {NodeIndex(1), 0};
        return plan(host, history, settings);
    };
    const Plan second = planned(5 * gib, 4 * gib);
    EXPECT_EQ(home_of(second, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(second, "b"), NodeIndex(1));
    const Plan neither = planned(5 * gib, 5 * gib);
    EXPECT_EQ(home_of(neither, "a"), NodeIndex(0)) << "no node has room for both";
    EXPECT_EQ(home_of(neither, "b"), NodeIndex(1));
}

TEST(Groups, TogetherLeaveRoomForTheUnallocatedMemoryOfOthers) {
    // Node 0 has room for both only until all memory of c is allocated.
    Snapshot host = grouped(Arrangement::together,
                            {make_guest("a", 2, 900, {gib, 0}), make_guest("b", 2, 900, {0, gib}),
                             make_guest("c", 2, 900, {gib, 0})});
    host.guests[2].policy.group.clear();
    host.guests[2].cells[0].size = 6 * gib;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), 0};
    history.cells[{"uuid-c", 0}] = {NodeIndex(0), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::with_group);
}

TEST(Groups, TogetherGoToANodeWhosePoolHasRoomForAllMembers) {
    std::vector<GuestState> guests{make_guest("a", 2, 900, {2 * gib, 0}),
                                   make_guest("b", 2, 900, {0, gib})};
    for (GuestState& guest : guests)
        guest.cells[0].huge_page = 2 * mib;
    Snapshot host = grouped(Arrangement::together, guests);
    host.topology.nodes[0].huge_available[2 * mib] = 0;
    host.topology.nodes[1].huge_available[2 * mib] = 0;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), 0};
    const Plan neither = plan(host, history, settings);
    EXPECT_EQ(home_of(neither, "a"), NodeIndex(0));
    EXPECT_EQ(home_of(neither, "b"), NodeIndex(1));
    host.topology.nodes[1].huge_available[2 * mib] = 2 * gib;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(1));
}

// The home of a member on node 1, together with another member on node 0 that is left alone.
NodeIndex home_with_bystander(GuestState other, const History& history) {
    const Snapshot host =
        grouped(Arrangement::together, {make_guest("a", 2, 900, {0, gib}), std::move(other)});
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::with_group);
    return home_of(made, "a").value();
}

TEST(Groups, TogetherJoinAMemberThatIsLeftAlone) {
    GuestState other = make_guest("b", 2, 900, {gib, 0});
    other.unsteady = "it is paused";
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(1), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
    EXPECT_EQ(home_with_bystander(other, history), NodeIndex(0));
    other.unsteady.clear();
    other.policy.mode = Mode::observe;
    other.cells[0].confined_to = NodeIndex(0);
    history.cells.erase({"uuid-b", 0});
    EXPECT_EQ(home_with_bystander(other, history), NodeIndex(0));
}

TEST(Groups, TogetherKeepTheirHomeIfThereIsNoRoomWithTheMemberThatIsLeftAlone) {
    GuestState other = make_guest("b", 2, 900, {5 * gib, 0});
    other.unsteady = "it is paused";
    const Snapshot host =
        grouped(Arrangement::together, {make_guest("a", 2, 900, {0, 5 * gib}), other});
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(1), 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(1));
}

TEST(Groups, TogetherDoNotJoinAMemberInModeOff) {
    GuestState off = make_guest("b", 2, 900, {gib, 0});
    off.policy.mode = Mode::off;
    off.cells[0].confined_to = NodeIndex(0);
    const Snapshot host = grouped(Arrangement::together, {make_guest("a", 2, 900, {0, gib}), off});
    EXPECT_EQ(home_of(plan(host, {}, settings), "a"), NodeIndex(1));
}

TEST(Groups, CoolDownIsKeptWhenANewMemberJoins) {
    // Other processes use node 0, so all three would go to node 1.
    Snapshot host = grouped(Arrangement::together, {make_guest("a", 1, 900, {100 * mib, 0}),
                                                    make_guest("b", 1, 900, {100 * mib, 0}),
                                                    make_guest("c", 1, 900, {10 * mib, 0})});
    host.topology.nodes[0].other_use = 4000;
    History history;
    for (const char* name : {"uuid-a", "uuid-b"})
        history.cells[{name, 0}] = {NodeIndex(0), -1000};
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(0));
    host.now += settings.cool_down;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(1));
}

TEST(Groups, ApartWithMoreMembersThanNodesLeavesOneWithoutAHome) {
    const Snapshot host = grouped(
        Arrangement::apart, {make_guest("a", 1, 50, {gib, 0}), make_guest("b", 1, 50, {gib, 0}),
                             make_guest("c", 1, 50, {gib, 0})});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(verdict_of(made, "c").reason, Reason::kept_apart);
    EXPECT_FALSE(home_of(made, "c"));
}

TEST(Groups, ApartIncludesTheShardsOfAWideGuestThatIsLeftAlone) {
    GuestState wide = make_wide_guest("w", {0, 0, 1, 1}, 3, {0, 0, 2, 2});
    wide.unsteady = "it is paused";
    Snapshot host = grouped(Arrangement::apart, {wide, make_guest("b", 1, 500, {gib, 0, 0})}, 3);
    History history;
    history.cells[{"uuid-w", 0, 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-w", 0, 1}] = {NodeIndex(1), 0};
    EXPECT_EQ(home_of(plan(host, history, settings), "b"), NodeIndex(2));
}

TEST(Groups, ApartIsNotTheReasonIfTheOtherNodeHasNoRoom) {
    Snapshot host = grouped(Arrangement::apart, {make_guest("a", 1, 50, {7 * gib, 0}),
                                                 make_guest("b", 1, 50, {100 * mib, 0})});
    host.guests[1].cells[0].size = 5 * gib;
    host.topology.nodes[1].memory_available = gib;  // other processes use the rest
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "b").reason, Reason::no_room);
}

}  // namespace
}  // namespace vnuma
