// Cells whose memory is from pools of huge pages.
#include <gtest/gtest.h>

#include "policy/search/cost.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

constexpr Bytes huge_page = 2 * mib;

// A host whose pools have these bytes left. All memory of the guests is from these pools and takes
// no ordinary memory.
Snapshot with_pools(std::vector<GuestState> guests, std::vector<Bytes> available) {
    Topology topology = make_topology(available.size(), 4, 4 * gib);
    for (std::size_t n = 0; n < available.size(); ++n)
        topology.nodes[n].huge_available[huge_page] = available[n];
    for (GuestState& guest : guests)
        for (CellState& cell : guest.cells)
            cell.huge_page = huge_page;
    return {0, std::move(topology), std::move(guests)};
}

TEST(HugePages, ACellGoesToTheNodeWhosePoolHasRoomForAllOfIt) {
    const GuestState guest = make_guest("a", 2, 500, {300 * mib, 500 * mib});
    EXPECT_EQ(home_of(plan(with_pools({guest}, {0, 300 * mib}), {}, settings), "a"), NodeIndex(1));
    EXPECT_EQ(home_of(plan(with_pools({guest}, {500 * mib, 0}), {}, settings), "a"), NodeIndex(0));
}

TEST(HugePages, ACellStaysWhereItsPagesAreIfOtherPoolsAreEmpty) {
    const Snapshot host = with_pools(
        {make_guest("a", 2, 500, {0, 800 * mib}), make_guest("b", 2, 500, {0, 800 * mib})}, {0, 0});
    const Plan made = plan(host, {}, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(1));
    EXPECT_EQ(verdict_of(made, "a").home.value().to_move, 0);
}

// A second guest uses the rest of both pools.
Snapshot with_full_pools(std::vector<Bytes> of_guest, std::vector<Bytes> of_others) {
    GuestState others = make_guest("others", 1, 10, std::move(of_others));
    others.policy.mode = Mode::off;
    return with_pools({make_guest("a", 4, 3000, std::move(of_guest)), others}, {0, 0});
}

TEST(HugePages, ACellForWhichNoPoolHasRoomHasNoHome) {
    const Snapshot host = with_full_pools({400 * mib, 400 * mib}, {400 * mib, 400 * mib});
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").reason, Reason::no_room);
}

TEST(HugePages, ACellLargerThanAnyPoolIsTooLarge) {
    const Snapshot host = with_full_pools({400 * mib, 400 * mib}, {300 * mib, 300 * mib});
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").reason, Reason::too_large);
}

TEST(HugePages, TwoCellsChangePlacesOnlyIfAPoolHasRoomForThemToPass) {
    // Other processes use most of the CPU time of node 0.
    Snapshot host = with_pools(
        {make_guest("a", 2, 2000, {4 * gib, 0}), make_guest("b", 2, 400, {0, 4 * gib})}, {0, 0});
    host.topology.nodes[0].other_use = 3000;
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), -1'000'000};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), -1'000'000};
    EXPECT_NE(home_of(plan(host, history, settings), "a"), NodeIndex(1));
    host.topology.nodes[1].huge_available[huge_page] = swap_room;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"), NodeIndex(1));
}

TEST(HugePages, AreNotMovedBecauseOrdinaryMemoryIsShort) {
    GuestState idle = make_guest("a", 1, 1, {gib / 4, gib});
    idle.cells[0].allowed = NodeSet::only(NodeIndex(0));
    Snapshot host = with_pools({idle}, {8 * gib, 0});
    host.topology.nodes[1].memory_available = 10 * mib;
    EXPECT_EQ(verdict_of(plan(host, {}, settings), "a").home.value().to_move, 0);
}

TEST(HugePages, TakeNoOrdinaryMemory) {
    // The available memory of a node does not include its pools.
    Snapshot host = with_pools({make_guest("a", 2, 500, {0, 3 * gib})}, {0, 0});
    host.topology.nodes[1].memory_available = gib;
    GuestState ordinary = make_guest("b", 2, 500, {0, 100 * mib});
    host.guests.push_back(ordinary);
    host.topology.nodes[0].memory_available = 0;
    EXPECT_EQ(home_of(plan(host, {}, settings), "b"), NodeIndex(1));
}

}  // namespace
}  // namespace vnuma
