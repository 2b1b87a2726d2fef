#include "src/observe/requirements.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

const Abilities all{true, true, true, true, true};

TEST(MissingAbilities, NothingIsMissingWhenAllIsThere) {
    EXPECT_TRUE(missing_abilities(all, Mode::act).empty());
}

TEST(MissingAbilities, NamesEachThingThatIsMissing) {
    EXPECT_EQ(missing_abilities({}, Mode::act).size(), 5U);
    Abilities old_kernel = all;
    old_kernel.pidfd = false;
    const auto missing = missing_abilities(old_kernel, Mode::act);
    ASSERT_EQ(missing.size(), 1U);
    EXPECT_NE(missing[0].find("pidfd_open"), std::string::npos);
}

TEST(MissingAbilities, WhoOnlyWatchesNeedsNoRightToMove) {
    Abilities watcher = all;
    watcher.sys_nice = false;
    EXPECT_TRUE(missing_abilities(watcher, Mode::observe).empty());
    EXPECT_EQ(missing_abilities(watcher, Mode::act).size(), 1U);
}

TEST(ProbeAbilities, FindsThisKernelUsable) {
    EXPECT_TRUE(probe_abilities().pidfd);
    EXPECT_TRUE(probe_abilities().schedstat);
}

}  // namespace
}  // namespace vnuma
