// How demand for CPUs is spread, and what it costs.
#include "policy/search/cpu_load.hpp"

#include <gtest/gtest.h>

#include <array>

#include "policy/search/cost.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

using Demand = CpuLoad::Demand;

const PlannerSettings settings;

CpuLoad::Place on(std::size_t node, CpuLoad::Mask mask = CpuLoad::all_cpus) {
    return {mask, NodeIndex(node)};
}
constexpr CpuLoad::Place anywhere{};

Cost cost_at(MilliCpu capacity, std::initializer_list<MilliCpu> demands) {
    Cost cost = 0;
    for (const MilliCpu demand : demands)
        cost += load_cost(capacity, 0, demand, settings);
    return cost;
}

TEST(Load, ThatRoamsUsesWhatIsIdle) {
    CpuLoad load(make_topology(2, 4, gib), settings);
    load.add({on(0), 3000});
    load.add({anywhere, 2500});
    EXPECT_EQ(load.demand(on(0)), 3500);
    EXPECT_EQ(load.demand(on(1)), 2000);
    EXPECT_EQ(load.cost(), cost_at(4000, {3500, 2000}));
    load.add({on(0), -3000});
    EXPECT_EQ(load.demand(on(0)), 1250);
    load.add({anywhere, -2500});
    EXPECT_EQ(load.cost(), 0);
}

TEST(Load, AboveAllCpusIsDividedByCapacity) {
    Topology topology = make_topology(2, 4, gib);
    topology.nodes[1].cpu_capacity = 8000;
    CpuLoad load(topology, settings);
    load.add({anywhere, 15'000});
    EXPECT_EQ(load.demand(on(0)), 5000);
    EXPECT_EQ(load.demand(on(1)), 10'000);
    EXPECT_TRUE(load.is_any_overloaded());
}

TEST(Load, OfWhoHasFewerCpusToChooseFromComesFirst) {
    Topology topology = make_topology(2, 4, gib);
    topology.pools = {{NodeIndex(0), 1000}, {NodeIndex(0), 3000}, {NodeIndex(1), 4000}};
    CpuLoad load(topology, settings);
    const CpuLoad::Mask of_node_0 = load.find_or_add({0, 1}), exclusive = load.find_or_add({0});
    EXPECT_EQ(load.find_or_add({0, 1}), of_node_0);
    load.add({anywhere, 4000});
    load.add({{of_node_0, std::nullopt}, 3000});
    load.add({on(0, exclusive), 1000});
    EXPECT_EQ(load.demand(on(0, exclusive)), 1000) << "the others use the other CPUs";
    EXPECT_EQ(load.demand(on(0)), 4000);
    EXPECT_EQ(load.demand(on(1)), 4000);
    EXPECT_FALSE(load.is_any_overloaded());
    EXPECT_EQ(load.capacity(on(0, exclusive)), 1000);
    EXPECT_EQ(load.shares(of_node_0), (std::vector<PerMille>{1000, 0}));
    EXPECT_EQ(load.shares(CpuLoad::all_cpus), (std::vector<PerMille>{500, 500}));
}

TEST(Load, ChangesCostWhatTheyAddOnceTheyAreMade) {
    Topology with_pools = make_topology(2, 4, gib);
    with_pools.pools = {{NodeIndex(0), 1000}, {NodeIndex(0), 3000}, {NodeIndex(1), 4000}};
    for (const Topology& topology : {make_topology(2, 4, gib), with_pools})
        for (const CpuLoad::Place from : {on(0), on(1), anywhere})
            for (const CpuLoad::Place to : {on(0), on(1), anywhere})
                for (const MilliCpu roams : {0, 3000}) {
                    CpuLoad load(topology, settings);
                    load.add({on(0), 2600});
                    load.add({anywhere, roams});
                    const Cost without = load.cost();
                    const Demand now{from, 1700}, then{to, 1700}, gone{from, -1700};
                    const Cost added = load.cost_of_placing(then, nullptr);
                    load.add(now);
                    const Cost before = load.cost();
                    EXPECT_EQ(load.cost_of_placing(then, &now), added);
                    const Cost more = load.cost_of(std::array{gone, then});
                    load.add(gone);
                    EXPECT_EQ(load.cost(), without);
                    load.add(then);
                    EXPECT_EQ(load.cost() - without, added);
                    EXPECT_EQ(load.cost() - before, more);
                }
}

}  // namespace
}  // namespace vnuma
