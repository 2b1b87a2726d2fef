#include "policy/search/cost.hpp"

#include <gtest/gtest.h>

#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

CellCost cell_cost(const CellState& cell, NodeIndex home, const Topology& topology,
                   const PlannerSettings& settings) {
    return CellCosts(cell, topology, settings).at(home, memory_node(topology, home));
}

Cost least(const CellCost& cost) {
    return std::min(cost.stay, cost.move);
}

using namespace vnuma::test;

const PlannerSettings settings;
const Topology topology = make_topology(2, 2, 128 * gib);

CellState cell_with(MilliCpu use, Bytes on_node_1) {
    return make_guest("g", 2, use, {0, on_node_1}).cells[0];
}

// The worked example of docs/policy.md.
TEST(Cost, TheExampleInTheDocumentIsRight) {
    const CellState cell = cell_with(500, 400 * mib);
    EXPECT_EQ(node_cost(topology.nodes[0], 500, settings), 900);
    EXPECT_EQ(node_cost(topology.nodes[0], 1000, settings) - 900, 2820);
    EXPECT_EQ(least(cell_cost(cell, NodeIndex(1), topology, settings)), 0);
    EXPECT_EQ(cell_cost(cell, NodeIndex(0), topology, settings).move, 390 + 214);
    EXPECT_EQ(cell_cost(cell, NodeIndex(0), topology, settings).stay, 275 * 60);
    const CellCost large = cell_cost(cell_with(500, 64 * gib), NodeIndex(0), topology, settings);
    EXPECT_GT(large.move, 64'000);
    EXPECT_EQ(least(large), 275 * 60);
}

TEST(Cost, ContentionCountsAboveCapacityOnly) {
    const Cost full = node_cost(topology.nodes[0], 2000, settings);
    EXPECT_EQ(node_cost(topology.nodes[0], 3000, settings) - full, 60'000);
    EXPECT_EQ(node_cost(topology.nodes[0], 0, settings), 0);
}

TEST(Cost, ImmovableMemoryIsRemoteForTheWholeHorizon) {
    CellState cell = cell_with(1000, gib);
    cell.movable = false;
    EXPECT_EQ(least(cell_cost(cell, NodeIndex(0), topology, settings)), 550 * 60);
    EXPECT_EQ(least(cell_cost(cell, NodeIndex(1), topology, settings)), 0);
}

TEST(Cost, TheMemoryOfAnIdleCellIsBetterLeftWhereItIs) {
    const CellCost cost = cell_cost(cell_with(0, gib), NodeIndex(0), topology, settings);
    EXPECT_EQ(cost.move, move_cost_per_gib);
    EXPECT_EQ(least(cost), 0);
}

TEST(Cost, HotMemoryPullsMoreThanMuchMemory) {
    CellState cell = make_guest("g", 2, 1000, {gib, 9 * gib}).cells[0];
    cell.movable = false;
    cell.heat = {gib, 0};
    EXPECT_EQ(least(cell_cost(cell, NodeIndex(0), topology, settings)), 0);
    EXPECT_EQ(least(cell_cost(cell, NodeIndex(1), topology, settings)), 550 * 60);
}

TEST(Cost, ACellThatRoamsIsAwayFromItsMemoryForPartOfItsTime) {
    const auto roaming_cost = [](const CellState& cell, const std::vector<PerMille>& shares) {
        return CellCosts(cell, topology, settings).roaming(shares);
    };
    const CellState cell = cell_with(500, 400 * mib);
    EXPECT_EQ(roaming_cost(cell, {500, 500}), 137 * 60) << "half of 275 milli-CPU";
    EXPECT_EQ(roaming_cost(cell, {0, 1000}), 0);
    EXPECT_EQ(roaming_cost(cell_with(500, 0), {500, 500}), 137 * 60)
        << "it will have memory wherever it runs";
}

TEST(Cost, MemoryOfAHomeWithoutMemoryIsAwayForGood) {
    const CellCost near =
        CellCosts(cell_with(500, 400 * mib), topology, settings).at(NodeIndex(0), NodeIndex(1));
    EXPECT_EQ(near.stay, 275 * 60);
    EXPECT_EQ(near.move, 275 * 60);
    const CellCost none =
        CellCosts(cell_with(500, 0), topology, settings).at(NodeIndex(0), NodeIndex(1));
    EXPECT_EQ(least(none), 275 * 60) << "it will have memory on node 1";
}

TEST(Cost, AGibAboveTheWatermarkCostsFourCpus) {
    EXPECT_EQ(pressure_cost(gib, settings), 4 * 60'000);
    EXPECT_EQ(pressure_cost(-gib, settings), 0);
}

TEST(Cost, TheLargestHostsStayInsideTheIntegers) {
    PlannerSettings longest;
    longest.horizon = 3'600'000;
    const Bytes tebibytes = 64 * 1024 * gib;
    const Topology large = make_topology(2, 4096, tebibytes);
    CellState cell = cell_with(4'096'000, tebibytes);
    cell.movable = false;
    const Cost cost = cell_cost(cell, NodeIndex(0), large, longest).stay;
    EXPECT_EQ(cost, 4'096'000LL * 1100 / 1000 / 2 * 3600);
    EXPECT_GT(node_cost(large.nodes[0], 8'192'000, longest), 0);
}

}  // namespace
}  // namespace vnuma
