// CPUs that the same guests may use are one pool.
#include "src/observe/cpu_pools.hpp"

#include <gtest/gtest.h>

#include "tests/src/hosts.hpp"

namespace vnuma {
namespace {

TEST(Pools, AreNoneWhereAllCellsMayUseAllCpus) {
    const Host host = test::two_nodes();
    EXPECT_TRUE(CpuPools(host, {}).pools().empty());
    EXPECT_TRUE(CpuPools(host, {{0, 1, 2, 3}}).pools().empty());
    EXPECT_TRUE(CpuPools(host, {{0, 1, 2, 3, 4}}).pools().empty()) << "CPU 4 is offline";
    EXPECT_TRUE(CpuPools(host, {{0, 1, 2, 3}}).usable_by({0}).empty());
}

TEST(Pools, HaveTheCpusThatTheSameCellsMayUse) {
    Host host = test::two_nodes();
    host.cpus = {{0, 1, 2, 3}, {4, 5, 6, 7}};
    const std::vector<int> shared{0, 4}, own{1, 2, 5}, all{0, 1, 2, 4, 5};
    const CpuPools pools(host, {shared, own, all});
    // Of each node: CPUs that nobody may use, those of `own`, those of `shared`, in some order.
    ASSERT_EQ(pools.pools().size(), 6U);
    const auto capacity = [&](const std::vector<int>& cpus, std::size_t node) {
        MilliCpu sum = 0;
        for (const std::size_t pool : pools.usable_by(cpus))
            if (pools.pools()[pool].node == NodeIndex(node)) sum += pools.pools()[pool].capacity;
        return sum;
    };
    EXPECT_EQ(pools.usable_by(shared).size(), 2U);
    EXPECT_EQ(pools.usable_by(all).size(), 4U);
    EXPECT_EQ(capacity(shared, 0), 1000);
    EXPECT_EQ(capacity(own, 0), 2000);
    EXPECT_EQ(capacity(own, 1), 1000);
    EXPECT_EQ(capacity(all, 1), 2000);
    EXPECT_EQ(capacity({3}, 0), 1000) << "nobody's, but other processes run there";
}

TEST(Pools, ShareTheThreadsOfACore) {
    Host host = test::two_nodes();
    host.cpus = {{0, 1, 2, 3}, {4}};
    host.first_sibling = {{0, 0}, {1, 0}, {2, 2}, {3, 2}};
    const auto capacity = [&](const std::set<std::vector<int>>& sets, int cpu) {
        const CpuPools pools(host, sets);
        return pools.pools().at(pools.usable_by({cpu}).at(0)).capacity;
    };
    EXPECT_EQ(capacity({{0, 1}}, 0), 1200) << "a whole core";
    EXPECT_EQ(capacity({{0, 2}}, 0), 2000) << "the other threads of two cores are not used";
    EXPECT_EQ(capacity({{0, 2}}, 1), 400);
    EXPECT_EQ(capacity({{0}, {1}}, 0), 600) << "half of a core";
    EXPECT_EQ(capacity({{0}}, 1), 1400) << "a thread of the first core, and the second core";
}

TEST(Pools, AreNodesWhereThereAreTooMany) {
    Host host = test::two_nodes();
    std::set<std::vector<int>> sets;
    host.cpus[0].clear();
    for (int cpu = 0; cpu < static_cast<int>(max_cpu_pools) + 1; ++cpu) {
        host.cpus[0].push_back(cpu);
        if (cpu < static_cast<int>(max_cpu_sets)) sets.insert({cpu});
    }
    host.cpus[1].clear();
    EXPECT_TRUE(CpuPools(host, sets).pools().empty());
    sets.erase(sets.begin());
    EXPECT_EQ(CpuPools(host, sets).pools().size(), max_cpu_pools);
}

}  // namespace
}  // namespace vnuma
