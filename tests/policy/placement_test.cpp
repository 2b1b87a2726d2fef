// What draws cells to a node: devices, neighbours, load.
#include <gtest/gtest.h>

#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

TEST(Devices, PullTheirGuest) {
    GuestState guest = make_guest("a", 2, 500, {100 * mib, 100 * mib});
    guest.devices = {NodeIndex(1)};
    const Topology topology = make_topology(2, 4, 8 * gib);
    EXPECT_EQ(home_of(plan(make_snapshot(topology, {guest}), {}, settings), "a"), NodeIndex(1));
}

TEST(Cells, ThatTheGuestIsToldAreNearAreOnNearNodes) {
    // A ring of four nodes, and a guest that is told of a ring: 0-1-2-3.
    Topology topology = make_topology(4, 2, 8 * gib);
    GuestState guest = make_guest("a", 2, 1500, {200 * mib, 0, 0, 0});
    for (std::size_t a = 0; a < 4; ++a) {
        guest.distances.emplace_back(4, 40);
        for (std::size_t b = 0; b < 4; ++b) {
            const std::size_t hops = std::min((a + 4 - b) % 4, (b + 4 - a) % 4);
            topology.distances[a][b] = hops == 0 ? 10 : hops == 1 ? 16 : 22;
            guest.distances[a][b] = hops == 0 ? 10 : hops == 1 ? 12 : 40;
        }
    }
    for (int cell = 1; cell < 4; ++cell) {
        guest.cells.push_back(guest.cells[0]);
        guest.cells.back().key.cell = cell;
    }
    const Plan made = plan(make_snapshot(topology, {guest}), {}, settings);
    for (int cell = 0; cell < 4; ++cell) {
        const NodeIndex here = verdict_of(made, "a", cell).home.value(),
                        next = verdict_of(made, "a", (cell + 1) % 4).home.value();
        EXPECT_EQ(topology.distances[here][next], 16) << "cell " << cell;
    }
}

TEST(Balance, ALittleLessLoadIsNoReasonToMove) {
    PlannerSettings without_cool_down;
    without_cool_down.cool_down = 0;
    const auto planned = [&](MilliCpu other) {
        const Snapshot host =
            make_snapshot(make_topology(2, 8, 64 * gib), {make_guest("a", 2, 400, {8 * mib, 0}),
                                                          make_guest("b", 4, 3600, {gib, 0}),
                                                          make_guest("c", 4, other, {0, gib})});
        History history;
        history.cells[{"uuid-a", 0}] = {NodeIndex(0), 0};
        history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
        history.cells[{"uuid-c", 0}] = {NodeIndex(1), 0};
        return plan(host, history, without_cool_down);
    };
    EXPECT_EQ(home_of(planned(3400), "a"), NodeIndex(0));
    EXPECT_EQ(verdict_of(planned(3400), "a").lack, Lack::balance);
    EXPECT_EQ(home_of(planned(1000), "a"), NodeIndex(1));
}

}  // namespace
}  // namespace vnuma
