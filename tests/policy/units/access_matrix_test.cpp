#include "policy/units/access_matrix.hpp"

#include <gtest/gtest.h>

#include "tests/policy/units/wide_use.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

TEST(AccessMatrix, TheCrossShardShareIsThatOfExtentsOwnedByOthers) {
    const WideUse use = use_of({{8, 0}, {2, 10}});
    EXPECT_EQ(cross_shard_share(use, {{0}, {1}}), 100);
    EXPECT_EQ(cross_shard_share(use, {{0, 1}}), 0);
    EXPECT_EQ(access_shares_by_owner(use, {{0}, {1}}),
              (std::vector<std::vector<PerMille>>{{0, 0}, {166, 0}}));
}

TEST(AccessMatrix, TheOffNodeShareIsThatOfMemoryOffTheMainNodeOfAShard) {
    WideUse use = use_of({{100}, {100}, {100}, {100}});
    for (std::size_t vcpu = 0; vcpu < 4; ++vcpu)
        use.own[vcpu] = {vcpu == 0 ? 0 : 100 * mib, vcpu == 0 ? 100 * mib : 0};
    EXPECT_EQ(off_node_share(use, {{0, 1}, {2, 3}}), 250);
    EXPECT_EQ(off_node_share(use, {{0}, {1, 2, 3}}), 0);
}

}  // namespace
}  // namespace vnuma
