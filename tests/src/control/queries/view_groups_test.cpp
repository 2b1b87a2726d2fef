#include "src/control/queries/view_groups.hpp"

#include <gtest/gtest.h>

#include "tests/src/control/queries/made_up_tick.hpp"

namespace vnuma::control {
namespace {

using test::MadeUpTick;
using test::tick_of_web1;
using test::web1_uuid;

TEST(ViewGroups, HaveTheirMembersAndTheirHomes) {
    MadeUpTick made = tick_of_web1();
    made.tick.policy.groups["db"].arrangement = Arrangement::together;
    made.tick.policy.run_time.groups["web"];
    made.state().policy.group = "db";
    made.add_verdict(Reason::settled, 1).group_parted = true;
    const std::vector<GroupView> groups = view_groups(made.tick);
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups[0].name, "db");
    EXPECT_EQ(groups[0].arrangement, "together");
    ASSERT_EQ(groups[0].members.size(), 1U);
    EXPECT_EQ(groups[0].members[0].uuid, web1_uuid);
    EXPECT_EQ(groups[0].members[0].homes, (std::vector<int>{1}));
    EXPECT_EQ(groups[0].problems,
              (std::vector<std::string>{"No node has room for all members of the group."}));
    EXPECT_EQ(groups[1].arrangement, "none");
    EXPECT_TRUE(groups[1].members.empty());
    EXPECT_TRUE(groups[1].problems.empty());
}

TEST(ViewGroups, HaveTheProblemsOfTheirOwnSectionsOnly) {
    MadeUpTick made = tick_of_web1();
    made.tick.policy.groups["db"];
    made.state().policy.group = "db";
    made.state().policy.problems = {"group.db: nodes: node 7 does not exist on this host",
                                    "metadata: mode: must be a string"};
    EXPECT_EQ(view_groups(made.tick)[0].problems,
              (std::vector<std::string>{
                  "Guest web1: group.db: nodes: node 7 does not exist on this host."}));
}

TEST(ViewGroups, OfABlindTickHaveNoMembers) {
    Tick tick;
    tick.policy.groups["db"];
    ASSERT_EQ(view_groups(tick).size(), 1U);
    EXPECT_TRUE(view_groups(tick)[0].members.empty());
}

}  // namespace
}  // namespace vnuma::control
