#include "policy/units/shards.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace vnuma {
namespace {

// vCPU by vCPU what each touches of some groups.
WideUse use_of(const std::vector<std::vector<std::uint32_t>>& accesses) {
    WideUse use;
    use.extents = accesses.front().size();
    for (const auto& row : accesses) {
        use.cpu_use.push_back(200);
        use.confined_to.emplace_back();
        use.own.emplace_back(2);
        use.accesses.insert(use.accesses.end(), row.begin(), row.end());
    }
    use.shared.assign(use.extents, std::vector<Bytes>(2));
    return use;
}

constexpr Bytes gib = 1024 * mib;
constexpr Bytes plenty = 1'000'000 * mib;

TEST(FormShards, KeepsVcpusThatShareMemoryTogether) {
    const WideUse use = use_of({{9, 0, 1}, {0, 9, 1}, {8, 0, 0}, {0, 7, 0}});
    EXPECT_EQ(form_shards(use, 2, {2, plenty}), (Partition{{0, 2}, {1, 3}}));
}

TEST(FormShards, IsEvenWhereNothingIsShared) {
    const Partition shards = form_shards(
        use_of({{9, 0, 0, 0}, {0, 9, 0, 0}, {0, 0, 9, 0}, {0, 0, 0, 9}}), 2, {2, plenty});
    ASSERT_EQ(shards.size(), 2U);
    EXPECT_EQ(shards[0].size(), 2U);
    EXPECT_EQ(shards[1].size(), 2U);
}

TEST(FormShards, GoesByWhereMemoryIsWhereNothingIsShared) {
    WideUse use = use_of({{900, 0, 0, 0}, {0, 900, 0, 0}, {0, 0, 900, 0}, {0, 0, 0, 900}});
    const std::size_t nodes[] = {0, 1, 1, 0};
    for (std::size_t v = 0; v < 4; ++v) {
        use.own[v].assign(2, 0);
        use.own[v][nodes[v]] = 100 * mib;
    }
    EXPECT_EQ(form_shards(use, 2, {2, plenty}), (Partition{{0, 3}, {1, 2}}));
    // Sharing counts for more.
    use.accesses[0 * 4 + 1] = use.accesses[2 * 4 + 3] = 900;
    EXPECT_EQ(form_shards(use, 2, {2, plenty}), (Partition{{0, 1}, {2, 3}}));
}

TEST(FormShards, FitsTheNodesEvenWhenAllShareEverything) {
    const Partition shards =
        form_shards(use_of({{5}, {5}, {5}, {5}, {5}, {5}, {5}}), 3, {3, plenty});
    ASSERT_EQ(shards.size(), 3U);
    for (const auto& shard : shards)
        EXPECT_LE(shard.size(), 3U);
}

// vCPUs of which some are busy and some are not, with private memory, pairs of which share a small
// hot buffer if that is wanted.
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

MilliCpu use_of_part(const WideUse& use, const std::vector<std::size_t>& part) {
    MilliCpu sum = 0;
    for (const std::size_t vcpu : part)
        sum += use.cpu_use[vcpu];
    return sum;
}

TEST(FormShards, DividesTheWorkWhereAllMemoryIsOnOneNode) {
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
            ASSERT_LE(use_of_part(use, shard), all / 2 + 501) << "seed " << seed;
        }
    }
}

TEST(FormShards, LeavesVcpusThatShareTogetherWhereverTheirMemoryIs) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::mt19937 random(seed);
        WideUse use = busy_and_idle(random, 8 + random() % 29 * 2, true);
        for (std::vector<Bytes>& own : use.own)
            own[random() % 2] = gib;
        const Partition shards = form_shards(use, 2, {use.vcpus() * 3 / 4, plenty});
        ASSERT_EQ(shards.size(), 2U) << "seed " << seed;
        ASSERT_EQ(crossing(use, shards), 0) << "seed " << seed;
    }
}

TEST(FormShards, IsEvenWhereMemoryIsOnMoreNodes) {
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

TEST(FormShards, AreAsManyAsAreWantedWhateverIsShared) {
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

TEST(FormShards, OfVcpusThatShareAreNoLargerThanANodesCpuTime) {
    std::mt19937 random(1);
    WideUse use = busy_and_idle(random, 30, false);
    use.cpu_use.assign(30, 1000);
    for (std::size_t v = 0; v < 30; ++v)
        use.accesses[v * use.extents + 30] = 200;
    for (const auto& shard : form_shards(use, 2, {24, plenty, 14'400}))
        EXPECT_EQ(shard.size(), 15U);
}

TEST(FormShards, IdleVcpusThatTouchTheSameAreNoReasonToPutTheBusyOnesTogether) {
    WideUse use =
        use_of(std::vector<std::vector<std::uint32_t>>(30, std::vector<std::uint32_t>(31)));
    for (std::size_t v = 0; v < 30; ++v) {
        use.cpu_use[v] = v < 15 ? 1000 : 10;
        use.accesses[v * 31 + v] = v < 15 ? 1000 : 0;
        use.accesses[v * 31 + 30] = 60;
    }
    for (const auto& shard : form_shards(use, 2, {16, plenty}))
        EXPECT_LE(use_of_part(use, shard), 8'200);
}

TEST(FormShards, OfOneVcpuIsOne) {
    EXPECT_EQ(form_shards(use_of({{1}}), 4, {2, plenty}), (Partition{{0}}));
    EXPECT_EQ(form_shards(WideUse(), 2, {2, plenty}), Partition{});
}

TEST(FormShards, FitTheNodesByWhatTheirVcpusAloneTouch) {
    // The first two share memory, but no node holds what both have for themselves.
    WideUse use = use_of({{9, 0}, {9, 0}, {0, 9}, {0, 9}});
    for (const std::size_t large : {0, 1})
        use.own[large][0] = 600 * mib;
    const ShardLimits most{2, 1000 * mib};
    const Partition shards = form_shards(use, 2, most);
    EXPECT_EQ(shards, (Partition{{0}, {1}, {2, 3}}));
    EXPECT_TRUE(keeps(use, shards, most));
    EXPECT_FALSE(keeps(use, {{0, 1}, {2, 3}}, most));
    EXPECT_EQ(form_shards(use, 2, {2, 2000 * mib}), (Partition{{0, 1}, {2, 3}}));
}

TEST(FormShards, PlacesEveryVcpuOnceWithinTheLimits) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        const std::size_t vcpus = 2 + random() % 14, groups = 1 + random() % 8;
        std::vector<std::vector<std::uint32_t>> accesses(vcpus, std::vector<std::uint32_t>(groups));
        for (auto& row : accesses)
            for (auto& count : row)
                count = random() % 4 == 0 ? static_cast<std::uint32_t>(random() % 100) : 0;
        const std::size_t shards = 2 + random() % 3, most = (vcpus + shards - 1) / shards;
        WideUse use = use_of(accesses);
        for (std::size_t v = 0; v < vcpus; ++v) {
            use.cpu_use[v] = static_cast<MilliCpu>(random() % 1000);
            use.own[v] = {static_cast<Bytes>(random() % 8) * gib,
                          static_cast<Bytes>(random() % 8) * gib};
        }
        const ShardLimits limits{most, static_cast<Bytes>(16 + random() % 64) * gib};
        const Partition partition = form_shards(use, shards, limits);
        EXPECT_GE(partition.size(), std::min(shards, vcpus)) << "seed " << seed;
        EXPECT_TRUE(keeps(use, partition, limits)) << "seed " << seed;
        std::vector<std::size_t> all;
        for (const auto& shard : partition) {
            EXPECT_FALSE(shard.empty());
            EXPECT_LE(shard.size(), most) << "seed " << seed;
            all.insert(all.end(), shard.begin(), shard.end());
        }
        std::sort(all.begin(), all.end());
        ASSERT_EQ(all.size(), vcpus);
        for (std::size_t v = 0; v < vcpus; ++v)
            EXPECT_EQ(all[v], v);
    }
}

TEST(Crossing, IsWhatAnotherShardTouchesMore) {
    const WideUse use = use_of({{8, 0}, {2, 10}});
    EXPECT_EQ(crossing(use, {{0}, {1}}), 100);
    EXPECT_EQ(crossing(use, {{0, 1}}), 0);
    EXPECT_EQ(access_share_of_others(use, {{0}, {1}}),
              (std::vector<std::vector<PerMille>>{{0, 0}, {166, 0}}));
}

TEST(Relabelled, LeavesHomesWithTheirVcpus) {
    const WideUse use = use_of({{1}, {1}, {1}, {1}});
    EXPECT_EQ(relabelled(use, {{0, 1}, {2, 3}}, {{1, 2, 3}, {0}}, {}), (Partition{{2, 3}, {0, 1}}));
    EXPECT_EQ(relabelled(use, {{0}, {1}, {2}}, {{2}}, {}), (Partition{{2}, {0}, {1}}));
}

TEST(Relabelled, PutsShardsWhoseMemoryIsAtAHomeThere) {
    WideUse use = use_of({{1}, {1}, {1}, {1}});
    for (const std::size_t vcpu : {0U, 1U})
        use.own[vcpu] = {0, 100 * mib};
    for (const std::size_t vcpu : {2U, 3U})
        use.own[vcpu] = {100 * mib, 0};
    EXPECT_EQ(relabelled(use, {{0, 1}, {2, 3}}, {{0, 1}, {2, 3}}, {NodeIndex(0), NodeIndex(1)}),
              (Partition{{2, 3}, {0, 1}}));
}

TEST(Relabelled, FindsTheBestOfThree) {
    WideUse use = use_of({{1}, {1}, {1}});
    use.own = {{10 * gib, 15 * gib, 0}, {0, 10 * gib, 15 * gib}, {15 * gib, 0, 10 * gib}};
    EXPECT_EQ(relabelled(use, {{0}, {1}, {2}}, {{0}, {1}, {2}},
                         {NodeIndex(0), NodeIndex(1), NodeIndex(2)}),
              (Partition{{2}, {0}, {1}}));
}

TEST(Scattered, IsWhatIsNotWhereMostOfAShardsMemoryIs) {
    WideUse use = use_of({{100}, {100}, {100}, {100}});
    for (std::size_t vcpu = 0; vcpu < 4; ++vcpu)
        use.own[vcpu] = {vcpu == 0 ? 0 : 100 * mib, vcpu == 0 ? 100 * mib : 0};
    EXPECT_EQ(scattered(use, {{0, 1}, {2, 3}}), 250);
    EXPECT_EQ(scattered(use, {{0}, {1, 2, 3}}), 0);
}

}  // namespace
}  // namespace vnuma
