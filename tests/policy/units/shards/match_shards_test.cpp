#include "policy/units/shards/match_shards.hpp"

#include <gtest/gtest.h>

#include "tests/policy/units/wide_use.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

constexpr Bytes gib = 1024 * mib;

TEST(MatchShards, KeepsTheNumberOfTheShardWithMostVcpusInCommon) {
    const WideUse use = use_of({{1}, {1}, {1}, {1}});
    EXPECT_EQ(match_shards(use, {{0, 1}, {2, 3}}, {{1, 2, 3}, {0}}, {}),
              (Partition{{2, 3}, {0, 1}}));
    EXPECT_EQ(match_shards(use, {{0}, {1}, {2}}, {{2}}, {}), (Partition{{2}, {0}, {1}}));
}

TEST(MatchShards, GivesAShardTheHomeThatHasItsMemory) {
    WideUse use = use_of({{1}, {1}, {1}, {1}});
    for (const std::size_t vcpu : {0U, 1U})
        use.own[vcpu] = {0, 100 * mib};
    for (const std::size_t vcpu : {2U, 3U})
        use.own[vcpu] = {100 * mib, 0};
    EXPECT_EQ(match_shards(use, {{0, 1}, {2, 3}}, {{0, 1}, {2, 3}}, {NodeIndex(0), NodeIndex(1)}),
              (Partition{{2, 3}, {0, 1}}));
}

TEST(MatchShards, FindsTheBestOrderOfThreeShards) {
    WideUse use = use_of({{1}, {1}, {1}});
    use.own = {{10 * gib, 15 * gib, 0}, {0, 10 * gib, 15 * gib}, {15 * gib, 0, 10 * gib}};
    EXPECT_EQ(match_shards(use, {{0}, {1}, {2}}, {{0}, {1}, {2}},
                           {NodeIndex(0), NodeIndex(1), NodeIndex(2)}),
              (Partition{{2}, {0}, {1}}));
}

}  // namespace
}  // namespace vnuma
