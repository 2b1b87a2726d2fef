#include "src/observe/requirements.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>

namespace vnuma {
namespace {

const Abilities all{true, true, true, {CAP_SYS_PTRACE, CAP_SYS_NICE}};

std::vector<CapabilityUse> uses_in(Mode mode) {
    Config config;
    config.mode = mode;
    return enabled_uses(config, true);
}

TEST(MissingAbilities, NothingIsMissingWhenAllIsThere) {
    EXPECT_TRUE(missing_abilities(all, uses_in(Mode::act)).empty());
}

TEST(MissingAbilities, NamesEachThingThatIsMissing) {
    EXPECT_EQ(missing_abilities({}, uses_in(Mode::act)).size(), 5U);
    Abilities old_kernel = all;
    old_kernel.pidfd = false;
    const auto missing = missing_abilities(old_kernel, uses_in(Mode::act));
    ASSERT_EQ(missing.size(), 1U);
    EXPECT_NE(missing[0].find("pidfd_open"), std::string::npos);
}

TEST(MissingAbilities, WhoOnlyWatchesNeedsNoRightToMove) {
    Abilities watcher = all;
    watcher.capabilities = {CAP_SYS_PTRACE};
    EXPECT_TRUE(missing_abilities(watcher, uses_in(Mode::observe)).empty());
    EXPECT_EQ(missing_abilities(watcher, uses_in(Mode::act)).size(), 1U);
}

TEST(ProbeAbilities, FindsThisKernelUsable) {
    EXPECT_TRUE(probe_abilities().pidfd);
    EXPECT_TRUE(probe_abilities().schedstat);
}

}  // namespace
}  // namespace vnuma
