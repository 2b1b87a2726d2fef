#include "src/control/orders/placer.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/policy/hosts.hpp"

namespace vnuma::control {
namespace {

using namespace vnuma::test;

PlaceArguments request_of(int vcpus, Bytes memory, Millis reserve = 0) {
    PlaceArguments request;
    request.vcpus = vcpus;
    request.memory = memory;
    request.reserve = reserve;
    return request;
}

class PlacerTest : public ::testing::Test {
  protected:
    PlacerTest() {
        host.topology = snapshot.topology;
        for (int node = 0; node < 3; ++node)
            host.cpus.push_back({4 * node, 4 * node + 1, 4 * node + 2, 4 * node + 3});
    }
    std::variant<PlaceReply, Refused> ask(const PlaceArguments& arguments,
                                          std::optional<int> near = std::nullopt) {
        return placer.place({snapshot, history, settings, host, now}, arguments, near);
    }
    PlaceReply place(const PlaceArguments& arguments, std::optional<int> near = std::nullopt) {
        return std::get<PlaceReply>(ask(arguments, near));
    }

    PlannerSettings settings;
    History history;
    Millis now = 0;
    Snapshot snapshot = make_snapshot(make_topology(3, 4, 16 * gib), {});
    Host host;
    Placer placer;
};

TEST_F(PlacerTest, AGuestGoesWhereThereIsRoom) {
    const PlaceReply reply = place(request_of(2, gib));
    EXPECT_TRUE(reply.has_room);
    ASSERT_EQ(reply.nodes.size(), 1U);
    EXPECT_EQ(reply.cpus.size(), 1U);
    EXPECT_TRUE(reply.moves.empty());
    EXPECT_NE(reply.why.find("has room for it."), std::string::npos) << reply.why;
}

TEST_F(PlacerTest, ThreeReservationsAreOnThreeNodesAndEnd) {
    const PlaceArguments request = request_of(3, 12 * gib, 30'000);
    std::set<int> nodes;
    for (int i = 0; i < 3; ++i)
        nodes.insert(place(request).nodes.at(0));
    EXPECT_EQ(nodes.size(), 3U);
    EXPECT_FALSE(place(request).has_room);
    EXPECT_EQ(placer.reservations().size(), 3U) << "what has no room is not reserved";
    now = snapshot.now = 30'000;
    EXPECT_TRUE(place(request).has_room);
    EXPECT_EQ(placer.reservations().size(), 1U);
}

TEST_F(PlacerTest, AReservationEndsWhenItsGuestExists) {
    PlaceArguments request = request_of(1, gib, 30'000);
    request.name = "web";
    place(request);
    EXPECT_EQ(placer.reservations().size(), 1U);
    snapshot = make_snapshot(make_topology(3, 4, 16 * gib), {make_guest("web", 1, 0, {0, 0, 0})});
    place(request_of(1, gib));
    EXPECT_TRUE(placer.reservations().empty());
}

TEST_F(PlacerTest, ReservationsAreLimited) {
    for (std::size_t i = 0; i < max_reservations; ++i)
        ASSERT_TRUE(place(request_of(1, 1, 1000)).has_room);
    EXPECT_TRUE(std::holds_alternative<Refused>(ask(request_of(1, 1, 1000))));
    EXPECT_TRUE(std::holds_alternative<PlaceReply>(ask(request_of(1, 1))));
}

TEST_F(PlacerTest, TheNodeOfADeviceIsPreferredAndThenTheNearestOne) {
    snapshot.topology.distances = {{10, 30, 20}, {30, 10, 30}, {20, 30, 10}};
    PlaceArguments request = request_of(3, 12 * gib, 30'000);
    request.near = "eth0";
    PlaceReply reply = place(request, 0);
    EXPECT_EQ(reply.nodes, std::vector<int>{0});
    EXPECT_NE(reply.why.find("eth0 is on node 0."), std::string::npos) << reply.why;
    reply = place(request, 0);
    EXPECT_EQ(reply.nodes, std::vector<int>{2});
    EXPECT_NE(reply.why.find("nearest place with room"), std::string::npos) << reply.why;
    EXPECT_EQ(place(request, 0).nodes, std::vector<int>{1});
    EXPECT_FALSE(place(request, 0).has_room);
}

TEST_F(PlacerTest, OnlyAllowedNodesAreUsed) {
    PlaceArguments request = request_of(1, gib);
    request.nodes = {2};
    EXPECT_EQ(place(request, 0).nodes, std::vector<int>{2});
}

TEST_F(PlacerTest, NonsenseIsRefused) {
    std::vector<PlaceArguments> all{request_of(0, 1),
                                    request_of(1, 0),
                                    request_of(max_placed_vcpus + 1, 1),
                                    request_of(1, -1),
                                    request_of(1, max_placed_memory + 1),
                                    request_of(1, 1, -1),
                                    request_of(1, 1, max_reservation + 1)};
    all.resize(12, request_of(1, 1));
    all[7].cells = 0;
    all[8].cells = 65;
    all[9].nodes = {9};
    all[10].nodes.emplace();
    all[11].huge_page = -1;
    for (const PlaceArguments& bad : all)
        EXPECT_TRUE(std::holds_alternative<Refused>(ask(bad)));
    EXPECT_TRUE(std::holds_alternative<PlaceReply>(ask(request_of(1, 1))));
}

TEST_F(PlacerTest, WhatWouldHaveToMoveIsNamed) {
    // Each node has room for half of the request only, and one guest could move away.
    std::vector<GuestState> guests;
    for (const std::size_t node : {0U, 1U, 2U}) {
        std::vector<Bytes> residency(3);
        residency[node] = 7 * gib;
        guests.push_back(make_guest("g" + std::to_string(node), 1, 800, residency));
        history.cells[guests.back().cells[0].key] = {NodeIndex(node), 0};
    }
    snapshot = make_snapshot(make_topology(3, 4, 16 * gib), guests);
    const PlaceReply reply = place(request_of(2, 14 * gib));
    EXPECT_FALSE(reply.has_room);
    ASSERT_EQ(reply.moves.size(), 1U) << reply.why;
    EXPECT_EQ(reply.moves[0].guest, "g" + std::to_string(reply.moves[0].from));
    EXPECT_EQ(reply.moves[0].bytes, 7 * gib);
    EXPECT_EQ(reply.nodes, std::vector<int>{reply.moves[0].from});
}

}  // namespace
}  // namespace vnuma::control
