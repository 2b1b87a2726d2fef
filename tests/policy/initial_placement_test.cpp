#include "policy/initial_placement.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "policy/learn.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

PlacementRequest request_of(int vcpus, Bytes bytes, std::size_t cells = 1) {
    PlacementRequest request;
    request.vcpus = vcpus;
    request.bytes = bytes;
    request.cells = cells;
    return request;
}

// The history after the first plan.
History history_after_plan(const Snapshot& host) {
    return learn({}, host, plan(host, {}, settings), {});
}

TEST(InitialPlacement, IsOnTheEmptierNode) {
    const Snapshot host =
        make_snapshot(make_topology(2, 4, 16 * gib), {make_guest("a", 4, 3000, {8 * gib, 0})});
    const InitialPlacement advice =
        place_initially(host, history_after_plan(host), settings, {}, request_of(2, 4 * gib));
    EXPECT_EQ(advice.nodes, (std::vector<NodeIndex>{NodeIndex(1)}));
    EXPECT_TRUE(advice.has_room);
    EXPECT_TRUE(advice.evictions.empty());
}

TEST(InitialPlacement, CountsAReservationUntilItExpires) {
    const Snapshot host = make_snapshot(make_topology(2, 4, 16 * gib), {});
    const PlacementRequest request = request_of(3, 10 * gib);
    const InitialPlacement first = place_initially(host, {}, settings, {}, request);
    const std::vector<Reservation> reserved{{request, first.nodes, 1000}};
    EXPECT_NE(place_initially(host, {}, settings, reserved, request).nodes, first.nodes);
    Snapshot later = host;
    later.now = 1000;
    EXPECT_EQ(place_initially(later, {}, settings, reserved, request).nodes, first.nodes);
}

TEST(InitialPlacement, CountsAReservationUntilItsGuestExists) {
    Snapshot host = make_snapshot(make_topology(2, 4, 16 * gib), {});
    const PlacementRequest request = request_of(3, 10 * gib);
    const NodeIndex first = place_initially(host, {}, settings, {}, request).nodes.at(0);
    const NodeIndex other(1 - first.value);
    host.guests = {make_guest("web", 1, 100, {0, 0})};
    for (const char* guest : {"web", "uuid-web"}) {
        const std::vector<Reservation> reserved{{request, {first}, 1000, guest}};
        EXPECT_EQ(place_initially(host, {}, settings, reserved, request).nodes.at(0), first)
            << guest;
    }
    for (const char* guest : {"", "mail"}) {
        const std::vector<Reservation> reserved{{request, {first}, 1000, guest}};
        EXPECT_EQ(place_initially(host, {}, settings, reserved, request).nodes.at(0), other)
            << guest;
    }
}

TEST(InitialPlacement, OfHugePagesIsOnTheNodeWhosePoolHasRoom) {
    Topology topology = make_topology(2, 4, 16 * gib);
    topology.nodes[0].huge_available[2 * mib] = gib;
    topology.nodes[1].huge_available[2 * mib] = 4 * gib;
    const Snapshot host = make_snapshot(topology, {make_guest("a", 4, 3000, {0, gib})});
    PlacementRequest request = request_of(2, 3 * gib);
    EXPECT_EQ(place_initially(host, history_after_plan(host), settings, {}, request).nodes.at(0),
              NodeIndex(0));
    request.huge_page = 2 * mib;
    const InitialPlacement advice =
        place_initially(host, history_after_plan(host), settings, {}, request);
    EXPECT_EQ(advice.nodes, (std::vector<NodeIndex>{NodeIndex(1)}));
    EXPECT_TRUE(advice.has_room);
    const std::vector<Reservation> reserved{{request, {NodeIndex(1)}, 1000}};
    EXPECT_FALSE(
        place_initially(host, history_after_plan(host), settings, reserved, request).has_room);
    request.bytes = 5 * gib;
    EXPECT_EQ(place_initially(host, history_after_plan(host), settings, {}, request).nodes.size(),
              2U)
        << "two cells";
    request.huge_page = gib;
    EXPECT_FALSE(place_initially(host, history_after_plan(host), settings, {}, request).has_room);
}

TEST(InitialPlacement, OfHugePagesOnAHostOfOneNodeDependsOnItsPool) {
    Topology topology = make_topology(1, 4, 16 * gib);
    topology.nodes[0].huge_available[2 * mib] = 2 * gib;
    const Snapshot host = make_snapshot(topology, {});
    PlacementRequest request = request_of(1, 3 * gib);
    EXPECT_TRUE(place_initially(host, {}, settings, {}, request).has_room);
    request.huge_page = 2 * mib;
    EXPECT_FALSE(place_initially(host, {}, settings, {}, request).has_room);
    request.bytes = 2 * gib;
    EXPECT_TRUE(place_initially(host, {}, settings, {}, request).has_room);
    const std::vector<Reservation> ordinary{{request_of(1, 10 * gib), {NodeIndex(0)}, 1000}};
    EXPECT_TRUE(place_initially(host, {}, settings, ordinary, request).has_room);
}

TEST(InitialPlacement, SpreadsCellsAndDividesAGuestThatFitsNoNode) {
    const Snapshot host = make_snapshot(make_topology(4, 4, 16 * gib), {});
    const auto nodes = [&](const PlacementRequest& request) {
        const InitialPlacement advice = place_initially(host, {}, settings, {}, request);
        EXPECT_TRUE(advice.has_room);
        return std::set<std::size_t>(advice.nodes.begin(), advice.nodes.end()).size();
    };
    EXPECT_EQ(nodes(request_of(4, 4 * gib, 2)), 2U);
    EXPECT_EQ(nodes(request_of(7, gib)), 2U);
    EXPECT_EQ(nodes(request_of(1, 40 * gib)), 3U);
}

TEST(InitialPlacement, NamesTheGuestsThatWouldHaveToLeave) {
    // 6 of 16 GiB are left on each node: too little for 8 GiB until one of the small guests leaves.
    const Snapshot host =
        make_snapshot(make_topology(2, 8, 16 * gib),
                      {make_guest("a", 1, 300, {3 * gib, 0}), make_guest("b", 1, 300, {6 * gib, 0}),
                       make_guest("c", 1, 300, {0, 9 * gib})});
    History history;
    history.cells[{"uuid-a", 0}] = history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-c", 0}] = {NodeIndex(1), 0};
    const InitialPlacement advice =
        place_initially(host, history, settings, {}, request_of(1, 8 * gib));
    EXPECT_FALSE(advice.has_room);
    EXPECT_EQ(advice.nodes, (std::vector<NodeIndex>{NodeIndex(0)}));
    EXPECT_EQ(advice.evictions,
              (std::vector<Eviction>{{{"uuid-a", 0}, NodeIndex(0), NodeIndex(1)}}));
}

TEST(InitialPlacement, MakesRoomByAnExchangeIfNoGuestCanLeave) {
    // 4 and 6 GiB are left, and no guest fits into what is left on the other node.
    const Snapshot host = make_snapshot(
        make_topology(2, 8, 20 * gib),
        {make_guest("a", 2, 2000, {8 * gib, 0}), make_guest("b", 1, 500, {7 * gib, 0}),
         make_guest("c", 2, 2000, {0, 5 * gib}), make_guest("d", 1, 500, {0, 8 * gib})});
    const InitialPlacement advice =
        place_initially(host, history_after_plan(host), settings, {}, request_of(1, 13 * gib / 2));
    EXPECT_FALSE(advice.has_room);
    EXPECT_EQ(advice.nodes, (std::vector<NodeIndex>{NodeIndex(0)}));
    EXPECT_EQ(advice.evictions,
              (std::vector<Eviction>{{{"uuid-c", 0}, NodeIndex(1), NodeIndex(0)},
                                     {{"uuid-a", 0}, NodeIndex(0), NodeIndex(1)}}));
}

TEST(InitialPlacement, EvictsNoGuestWhoseMemoryIsOnAnotherNode) {
    // As above, with small guests at home on node 0 that hardly use their memory on node 1.
    std::vector<GuestState> guests{make_guest("a", 1, 300, {3 * gib, 0}),
                                   make_guest("b", 1, 300, {6 * gib, 0}),
                                   make_guest("c", 1, 300, {0, 8 * gib})};
    History history;
    history.cells[{"uuid-a", 0}] = history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-c", 0}] = {NodeIndex(1), 0};
    for (int small = 0; small <= max_evictions; ++small) {
        const std::string name = "small" + std::to_string(small);
        guests.push_back(make_guest(name, 1, 1, {0, 50 * mib}));
        history.cells[{"uuid-" + name, 0}] = {NodeIndex(0), 0};
    }
    const Snapshot host = make_snapshot(make_topology(2, 16, 16 * gib), std::move(guests));
    const InitialPlacement advice =
        place_initially(host, history, settings, {}, request_of(1, 8 * gib));
    EXPECT_EQ(advice.evictions,
              (std::vector<Eviction>{{{"uuid-a", 0}, NodeIndex(0), NodeIndex(1)}}));
}

TEST(InitialPlacement, EvictsNoGuestWithoutAHome) {
    // 8 of 16 GiB are left on each node. Guests that are not acted on never have a home.
    const Snapshot host = make_snapshot(
        make_topology(2, 8, 16 * gib),
        {make_guest("a", 1, 300, {7 * gib, 0}), make_guest("b", 1, 300, {0, 7 * gib})});
    const InitialPlacement advice =
        place_initially(host, {}, settings, {}, request_of(1, 12 * gib));
    EXPECT_FALSE(advice.has_room);
    EXPECT_TRUE(advice.evictions.empty());
    EXPECT_TRUE(place_initially(host, {}, settings, {}, request_of(1, 8 * gib)).has_room);
}

TEST(InitialPlacement, NamesANodeHoweverFullTheHostIs) {
    const Snapshot host = make_snapshot(
        make_topology(2, 4, 16 * gib),
        {make_guest("a", 4, 3000, {14 * gib, 0}), make_guest("b", 4, 3000, {0, 13 * gib})});
    const InitialPlacement advice =
        place_initially(host, history_after_plan(host), settings, {}, request_of(2, 12 * gib));
    EXPECT_FALSE(advice.has_room);
    EXPECT_TRUE(advice.evictions.empty());
    EXPECT_EQ(advice.nodes, (std::vector<NodeIndex>{NodeIndex(1)}))
        << "the node with most memory left";
}

TEST(InitialPlacement, IsOnAllowedNodesWithCpusAndMemory) {
    Topology topology = make_topology(3, 4, 16 * gib);
    topology.nodes[0].cpus = 0;
    PlacementRequest request = request_of(1, gib);
    EXPECT_NE(place_initially(make_snapshot(topology, {}), {}, settings, {}, request).nodes.front(),
              NodeIndex(0));
    request.allowed = NodeSet();
    request.allowed.insert(NodeIndex(2));
    EXPECT_EQ(place_initially(make_snapshot(topology, {}), {}, settings, {}, request).nodes,
              (std::vector<NodeIndex>{NodeIndex(2)}));
}

TEST(InitialPlacement, IsOnAllowedNodesEvenIfNoneHoldsTheGuest) {
    // Node 0 has the CPUs, node 1 the memory, and node 2 has both, but is not allowed.
    Topology topology = make_topology(3, 8, 64 * gib);
    topology.nodes[0].memory_total = topology.nodes[0].memory_available = gib;
    topology.nodes[1].cpus = 1;
    PlacementRequest request = request_of(8, 32 * gib);
    request.allowed.erase(NodeIndex(2));
    const InitialPlacement advice =
        place_initially(make_snapshot(topology, {}), {}, settings, {}, request);
    EXPECT_FALSE(advice.has_room);
    EXPECT_EQ(advice.nodes, (std::vector<NodeIndex>{NodeIndex(1), NodeIndex(0)}));
    request.allowed = NodeSet();
    EXPECT_TRUE(
        place_initially(make_snapshot(topology, {}), {}, settings, {}, request).nodes.empty());
}

TEST(InitialPlacement, OnAHostOfOneNodeReportsWhetherTheGuestFits) {
    // The guest uses 8 of 15.2 GiB, and 4 GiB of its memory are not allocated yet.
    GuestState guest = make_guest("a", 1, 300, {8 * gib});
    guest.cells[0].size = 12 * gib;
    const Snapshot host = make_snapshot(make_topology(1, 4, 16 * gib), {guest});
    const auto has_room = [&](const PlacementRequest& request) {
        const InitialPlacement advice = place_initially(host, {}, settings, {}, request);
        EXPECT_EQ(advice.nodes, std::vector<NodeIndex>(request.cells, NodeIndex(0)));
        EXPECT_TRUE(advice.evictions.empty());
        return advice.has_room;
    };
    EXPECT_TRUE(has_room(request_of(4, 3 * gib)));
    EXPECT_FALSE(has_room(request_of(4, 4 * gib)));
    EXPECT_FALSE(has_room(request_of(5, gib)));
    EXPECT_TRUE(has_room(request_of(5, gib, 2))) << "the CPUs suffice for each cell";
}

TEST(InitialPlacement, OnAHostOfOneNodeCountsReservations) {
    Snapshot host = make_snapshot(make_topology(1, 4, 16 * gib), {});
    const PlacementRequest request = request_of(2, 10 * gib);
    const std::vector<Reservation> reserved{{request, {NodeIndex(0)}, 1000}};
    EXPECT_FALSE(place_initially(host, {}, settings, reserved, request).has_room);
    host.now = 1000;
    EXPECT_TRUE(place_initially(host, {}, settings, reserved, request).has_room);
}

TEST(InitialPlacement, OnAHostOfOneNodeIsOnAllowedNodesOnly) {
    Topology topology = make_topology(1, 4, 16 * gib);
    PlacementRequest request = request_of(1, gib);
    request.allowed = NodeSet();
    const InitialPlacement advice =
        place_initially(make_snapshot(topology, {}), {}, settings, {}, request);
    EXPECT_FALSE(advice.has_room);
    EXPECT_TRUE(advice.nodes.empty());
}

TEST(InitialPlacement, ReportsWhatIsWrongWithAnInvalidRequest) {
    const auto problem = [](const PlacementRequest& request, std::size_t nodes = 2) {
        const Snapshot host = make_snapshot(make_topology(nodes, 4, 16 * gib), {});
        const InitialPlacement advice = place_initially(host, {}, settings, {}, request);
        EXPECT_TRUE(advice.problem.empty() || (advice.nodes.empty() && !advice.has_room));
        return advice.problem;
    };
    EXPECT_EQ(problem(request_of(1, 1)), "");
    EXPECT_EQ(problem(request_of(0, gib)), "vcpus: must be at least 1");
    EXPECT_EQ(problem(request_of(-1, gib)), "vcpus: must be at least 1");
    EXPECT_EQ(problem(request_of(1, 0)), "bytes: must be at least 1");
    EXPECT_EQ(problem(request_of(1, -gib)), "bytes: must be at least 1");
    EXPECT_EQ(problem(request_of(1, gib, 0)), "cells: must be from 1 to 64");
    EXPECT_EQ(problem(request_of(64, gib, 65)), "cells: must be from 1 to 64");
    EXPECT_EQ(problem(request_of(0, gib), 1), "vcpus: must be at least 1");
}

TEST(InitialPlacement, HasNoRoomForTheLargestPossibleRequest) {
    const PlacementRequest request = request_of(std::numeric_limits<int>::max(),
                                                std::numeric_limits<Bytes>::max(), max_host_nodes);
    for (const std::size_t nodes : {1, 2}) {
        const Snapshot host = make_snapshot(make_topology(nodes, 4, 16 * gib), {});
        EXPECT_FALSE(place_initially(host, {}, settings, {}, request).has_room);
    }
}

TEST(InitialPlacement, HasNoRoomIfOneCellFitsNoNode) {
    // Neither node holds the cell with five vCPUs and 8 GiB.
    Topology topology = make_topology(2, 8, 4 * gib);
    topology.nodes[1] = {1, 4, 4000, 64 * gib, 64 * gib};
    const Snapshot host = make_snapshot(topology, {});
    const InitialPlacement advice =
        place_initially(host, {}, settings, {}, request_of(9, 16 * gib, 2));
    EXPECT_FALSE(advice.has_room);
    EXPECT_TRUE(place_initially(host, {}, settings, {}, request_of(8, 6 * gib, 2)).has_room);
}

}  // namespace
}  // namespace vnuma
