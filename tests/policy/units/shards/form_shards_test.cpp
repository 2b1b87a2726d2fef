#include "policy/units/shards/form_shards.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "policy/units/access_matrix.hpp"
#include "tests/policy/units/wide_use.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

constexpr Bytes gib = 1024 * mib;
constexpr Bytes plenty = 1'000'000 * mib;

TEST(FormShards, KeepsVcpusThatShareMemoryTogether) {
    const WideUse use = use_of({{9, 0, 1}, {0, 9, 1}, {8, 0, 0}, {0, 7, 0}});
    EXPECT_EQ(form_shards(use, 2, {2, plenty}), (Partition{{0, 2}, {1, 3}}));
}

TEST(FormShards, MakesEvenShardsIfNothingIsShared) {
    const Partition shards = form_shards(
        use_of({{9, 0, 0, 0}, {0, 9, 0, 0}, {0, 0, 9, 0}, {0, 0, 0, 9}}), 2, {2, plenty});
    ASSERT_EQ(shards.size(), 2U);
    EXPECT_EQ(shards[0].size(), 2U);
    EXPECT_EQ(shards[1].size(), 2U);
}

TEST(FormShards, KeepsVcpusWithMemoryOnTheSameNodeTogetherIfNothingIsShared) {
    WideUse use = use_of({{900, 0, 0, 0}, {0, 900, 0, 0}, {0, 0, 900, 0}, {0, 0, 0, 900}});
    const std::size_t nodes[] = {0, 1, 1, 0};
    for (std::size_t v = 0; v < 4; ++v) {
        use.own[v].assign(2, 0);
        use.own[v][nodes[v]] = 100 * mib;
    }
    EXPECT_EQ(form_shards(use, 2, {2, plenty}), (Partition{{0, 3}, {1, 2}}));
    // Shared memory takes precedence over where the memory is.
    use.accesses[0 * 4 + 1] = use.accesses[2 * 4 + 3] = 900;
    EXPECT_EQ(form_shards(use, 2, {2, plenty}), (Partition{{0, 1}, {2, 3}}));
}

TEST(FormShards, FitsTheNodesEvenIfAllVcpusShareAllMemory) {
    const Partition shards =
        form_shards(use_of({{5}, {5}, {5}, {5}, {5}, {5}, {5}}), 3, {3, plenty});
    ASSERT_EQ(shards.size(), 3U);
    for (const auto& shard : shards)
        EXPECT_LE(shard.size(), 3U);
}

// Busy and idle vCPUs at random, each with private memory. With `pairs`, each two of them share a
// small hot buffer.
WideUse busy_and_idle(std::mt19937& random, std::size_t vcpus, bool pairs) {
    std::vector<std::vector<std::uint32_t>> accesses(vcpus, std::vector<std::uint32_t>(2 * vcpus));
    WideUse use = use_of(accesses);
    for (std::size_t v = 0; v < vcpus; ++v) {
        const bool busy = random() % 2 == 0;
        use.cpu_use[v] = busy ? 1000 : 10;
        use.accesses[v * use.extents + v] = busy ? 1000 : 50;
        if (pairs) use.accesses[v * use.extents + vcpus + v / 2] = 900;
        use.own[v].assign(2, 0);
    }
    return use;
}

MilliCpu cpu_use_of(const WideUse& use, const std::vector<std::size_t>& vcpus) {
    MilliCpu sum = 0;
    for (const std::size_t vcpu : vcpus)
        sum += use.cpu_use[vcpu];
    return sum;
}

TEST(FormShards, DividesTheWorkIfAllMemoryIsOnOneNode) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::mt19937 random(seed);
        WideUse use = busy_and_idle(random, 8 + random() % 57, false);
        for (std::vector<Bytes>& own : use.own)
            own[1] = static_cast<Bytes>(1 + random() % 8) * 512 * mib;
        const MilliCpu all = std::accumulate(use.cpu_use.begin(), use.cpu_use.end(), MilliCpu{0});
        const Partition shards = form_shards(use, 2, {use.vcpus() * 3 / 4, plenty});
        ASSERT_EQ(shards.size(), 2U) << "seed " << seed;
        for (const auto& shard : shards) {
            ASSERT_LE(shard.size(), (use.vcpus() + 1) / 2) << "seed " << seed;
            ASSERT_LE(cpu_use_of(use, shard), all / 2 + 501) << "seed " << seed;
        }
    }
}

TEST(FormShards, KeepsVcpusThatShareMemoryTogetherWhereverItIs) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::mt19937 random(seed);
        WideUse use = busy_and_idle(random, 8 + random() % 29 * 2, true);
        for (std::vector<Bytes>& own : use.own)
            own[random() % 2] = gib;
        const Partition shards = form_shards(use, 2, {use.vcpus() * 3 / 4, plenty});
        ASSERT_EQ(shards.size(), 2U) << "seed " << seed;
        ASSERT_EQ(cross_shard_share(use, shards), 0) << "seed " << seed;
    }
}

TEST(FormShards, MakesEvenShardsIfMemoryIsOnMoreNodesThanShards) {
    std::mt19937 random(1);
    WideUse use = busy_and_idle(random, 36, false);
    use.cpu_use.assign(36, 500);
    for (std::size_t v = 0; v < 36; ++v) {
        use.own[v].assign(3, 0);
        use.own[v][v / 12] = gib;
    }
    for (const auto& shard : form_shards(use, 2, {24, plenty}))
        EXPECT_EQ(shard.size(), 18U);
}

TEST(FormShards, MakesAsManyShardsAsRequestedWhateverIsShared) {
    for (std::size_t vcpus = 2; vcpus <= 16; ++vcpus)
        for (std::size_t wanted = 2; wanted <= 5; ++wanted)
            for (const bool all_share : {false, true}) {
                std::mt19937 random(1);
                WideUse use = busy_and_idle(random, vcpus, false);
                for (std::size_t v = 0; v < vcpus; ++v) {
                    use.own[v][0] = all_share ? 0 : gib;
                    if (all_share) use.accesses[v * use.extents + vcpus] = 2000;
                }
                use.shared.assign(use.extents, std::vector<Bytes>(2));
                use.shared[vcpus] = {all_share ? 8 * gib : 0, 0};
                ASSERT_GE(form_shards(use, wanted, {vcpus, plenty}).size(), std::min(wanted, vcpus))
                    << vcpus << " vCPUs, " << wanted << " shards, " << all_share;
            }
}

TEST(FormShards, DividesVcpusThatShareMemoryByTheCpuTimeOfANode) {
    std::mt19937 random(1);
    WideUse use = busy_and_idle(random, 30, false);
    use.cpu_use.assign(30, 1000);
    for (std::size_t v = 0; v < 30; ++v)
        use.accesses[v * use.extents + 30] = 200;
    for (const auto& shard : form_shards(use, 2, {24, plenty, 14'400}))
        EXPECT_EQ(shard.size(), 15U);
}

TEST(FormShards, IgnoresMemoryThatMostlyIdleVcpusShare) {
    WideUse use =
        use_of(std::vector<std::vector<std::uint32_t>>(30, std::vector<std::uint32_t>(31)));
    for (std::size_t v = 0; v < 30; ++v) {
        use.cpu_use[v] = v < 15 ? 1000 : 10;
        use.accesses[v * 31 + v] = v < 15 ? 1000 : 0;
        use.accesses[v * 31 + 30] = 60;
    }
    for (const auto& shard : form_shards(use, 2, {16, plenty}))
        EXPECT_LE(cpu_use_of(use, shard), 8'200);
}

TEST(FormShards, MakesOneShardOfOneVcpu) {
    EXPECT_EQ(form_shards(use_of({{1}}), 4, {2, plenty}), (Partition{{0}}));
    EXPECT_EQ(form_shards(WideUse(), 2, {2, plenty}), Partition{});
}

TEST(FormShards, FitsThePrivateMemoryOfEachShardIntoANode) {
    // The first two vCPUs share memory, but no node holds the private memory of both.
    WideUse use = use_of({{9, 0}, {9, 0}, {0, 9}, {0, 9}});
    for (const std::size_t large : {0, 1})
        use.own[large][0] = 600 * mib;
    const ShardLimits limits{2, 1000 * mib};
    const Partition shards = form_shards(use, 2, limits);
    EXPECT_EQ(shards, (Partition{{0}, {1}, {2, 3}}));
    EXPECT_TRUE(within_limits(use, shards, limits));
    EXPECT_FALSE(within_limits(use, {{0, 1}, {2, 3}}, limits));
    EXPECT_EQ(form_shards(use, 2, {2, 2000 * mib}), (Partition{{0, 1}, {2, 3}}));
}

TEST(FormShards, PlacesEveryVcpuOnceWithinTheLimits) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        const std::size_t vcpus = 2 + random() % 14, extents = 1 + random() % 8;
        std::vector<std::vector<std::uint32_t>> accesses(vcpus,
                                                         std::vector<std::uint32_t>(extents));
        for (auto& row : accesses)
            for (auto& count : row)
                count = random() % 4 == 0 ? static_cast<std::uint32_t>(random() % 100) : 0;
        const std::size_t shards = 2 + random() % 3, even = (vcpus + shards - 1) / shards;
        WideUse use = use_of(accesses);
        for (std::size_t v = 0; v < vcpus; ++v) {
            use.cpu_use[v] = static_cast<MilliCpu>(random() % 1000);
            use.own[v] = {static_cast<Bytes>(random() % 8) * gib,
                          static_cast<Bytes>(random() % 8) * gib};
        }
        const ShardLimits limits{even, static_cast<Bytes>(16 + random() % 64) * gib};
        const Partition partition = form_shards(use, shards, limits);
        EXPECT_GE(partition.size(), std::min(shards, vcpus)) << "seed " << seed;
        EXPECT_TRUE(within_limits(use, partition, limits)) << "seed " << seed;
        std::vector<std::size_t> all;
        for (const auto& shard : partition) {
            EXPECT_FALSE(shard.empty());
            EXPECT_LE(shard.size(), even) << "seed " << seed;
            all.insert(all.end(), shard.begin(), shard.end());
        }
        std::sort(all.begin(), all.end());
        ASSERT_EQ(all.size(), vcpus);
        for (std::size_t v = 0; v < vcpus; ++v)
            EXPECT_EQ(all[v], v);
    }
}

}  // namespace
}  // namespace vnuma
