#include "policy/advice.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

Request request_of(int vcpus, Bytes bytes, std::size_t cells = 1) {
    Request request;
    request.vcpus = vcpus;
    request.bytes = bytes;
    request.cells = cells;
    return request;
}

// As plan() would have it after the first tick.
History settled(const Snapshot& host) {
    return learn({}, host, plan(host, {}, settings), {});
}

TEST(Advice, IsTheEmptierNode) {
    const Snapshot host =
        make_snapshot(make_topology(2, 4, 16 * gib), {make_guest("a", 4, 3000, {8 * gib, 0})});
    const Advice advice = advise(host, settled(host), settings, {}, request_of(2, 4 * gib));
    EXPECT_EQ(advice.nodes, (std::vector<NodeIndex>{NodeIndex(1)}));
    EXPECT_TRUE(advice.has_room);
    EXPECT_TRUE(advice.evictions.empty());
}

TEST(Advice, CountsWhatWasReservedUntilThatExpires) {
    const Snapshot host = make_snapshot(make_topology(2, 4, 16 * gib), {});
    const Request request = request_of(3, 10 * gib);
    const Advice first = advise(host, {}, settings, {}, request);
    const std::vector<Reservation> reserved{{request, first.nodes, 1000}};
    EXPECT_NE(advise(host, {}, settings, reserved, request).nodes, first.nodes);
    Snapshot later = host;
    later.now = 1000;
    EXPECT_EQ(advise(later, {}, settings, reserved, request).nodes, first.nodes);
}

TEST(Advice, SpreadsCellsAndWhatFitsNoNode) {
    const Snapshot host = make_snapshot(make_topology(4, 4, 16 * gib), {});
    const auto nodes = [&](const Request& request) {
        const Advice advice = advise(host, {}, settings, {}, request);
        EXPECT_TRUE(advice.has_room);
        return std::set<std::size_t>(advice.nodes.begin(), advice.nodes.end()).size();
    };
    EXPECT_EQ(nodes(request_of(4, 4 * gib, 2)), 2U);
    EXPECT_EQ(nodes(request_of(7, gib)), 2U);
    EXPECT_EQ(nodes(request_of(1, 40 * gib)), 3U);
}

TEST(Advice, SaysWhoWouldHaveToGoToMakeRoom) {
    // 6 of 16 GiB are left on each node: too little for 8, until one of the small guests goes.
    const Snapshot host =
        make_snapshot(make_topology(2, 8, 16 * gib),
                      {make_guest("a", 1, 300, {3 * gib, 0}), make_guest("b", 1, 300, {6 * gib, 0}),
                       make_guest("c", 1, 300, {0, 9 * gib})});
    History history;
    history.cells[{"uuid-a", 0}] = history.cells[{"uuid-b", 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-c", 0}] = {NodeIndex(1), 0};
    const Advice advice = advise(host, history, settings, {}, request_of(1, 8 * gib));
    EXPECT_FALSE(advice.has_room);
    EXPECT_EQ(advice.nodes, (std::vector<NodeIndex>{NodeIndex(0)}));
    EXPECT_EQ(advice.evictions,
              (std::vector<Eviction>{{{"uuid-a", 0}, NodeIndex(0), NodeIndex(1)}}));
}

TEST(Advice, IsNeverEmptyHoweverFullTheHost) {
    const Snapshot host = make_snapshot(
        make_topology(2, 4, 16 * gib),
        {make_guest("a", 4, 3000, {14 * gib, 0}), make_guest("b", 4, 3000, {0, 13 * gib})});
    const Advice advice = advise(host, settled(host), settings, {}, request_of(2, 12 * gib));
    EXPECT_FALSE(advice.has_room);
    EXPECT_TRUE(advice.evictions.empty());
    EXPECT_EQ(advice.nodes, (std::vector<NodeIndex>{NodeIndex(1)})) << "with most memory left";
}

TEST(Advice, KeepsToWhatIsAllowedAndToNodesThatServe) {
    Topology topology = make_topology(3, 4, 16 * gib);
    topology.nodes[0].cpus = 0;
    Request request = request_of(1, gib);
    EXPECT_NE(advise(make_snapshot(topology, {}), {}, settings, {}, request).nodes.front(),
              NodeIndex(0));
    request.allowed = NodeSet();
    request.allowed.insert(NodeIndex(2));
    EXPECT_EQ(advise(make_snapshot(topology, {}), {}, settings, {}, request).nodes,
              (std::vector<NodeIndex>{NodeIndex(2)}));
}

TEST(Advice, IsGivenOnAHostOfOneNode) {
    const Snapshot host = make_snapshot(make_topology(1, 4, 16 * gib), {});
    EXPECT_EQ(advise(host, {}, settings, {}, request_of(2, gib)).nodes,
              (std::vector<NodeIndex>{NodeIndex(0)}));
}

}  // namespace
}  // namespace vnuma
