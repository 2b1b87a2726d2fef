#include "src/observe/privileges.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/child.hpp"

namespace vnuma {
namespace {

using Capabilities = std::set<int>;

Capabilities needed(const std::string& config, bool as_root = true) {
    Capabilities found;
    for (const CapabilityUse& use : enabled_uses(parse_config(config, "test"), as_root))
        found.insert(use.capability);
    return found;
}

Capabilities with(Capabilities some, const Capabilities& more) {
    some.insert(more.begin(), more.end());
    return some;
}

const Capabilities to_look{CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH};
const Capabilities to_count_faults{CAP_BPF, CAP_PERFMON, CAP_DAC_OVERRIDE};

TEST(EnabledUses, WhoOnlyWatchesAndTracksNothingNeedsToLook) {
    EXPECT_EQ(needed("mode = \"observe\""), to_look);
    EXPECT_EQ(needed("tracking.heat = \"none\"\nmode = \"advise\""), to_look);
}

TEST(EnabledUses, WhoActsPinsAndCountsFaults) {
    EXPECT_EQ(needed(""), with(with(to_look, {CAP_SYS_NICE}), to_count_faults));
    EXPECT_EQ(needed("tracking.attribution = \"never\""), with(to_look, {CAP_SYS_NICE}));
}

TEST(EnabledUses, KdamondsAreMadeNicerInModeAdviseToo) {
    EXPECT_EQ(needed("mode = \"advise\""), with(to_look, {CAP_SYS_NICE}));
}

TEST(EnabledUses, MonitorsOfOtherUsersAreConnectedTo) {
    const std::string config =
        "tracking.heat = \"none\"\nsource = \"qmp\"\nqmp_dir = \"/run/qmp\"\nmode = ";
    EXPECT_EQ(needed(config + "\"advise\""), with(to_look, {CAP_DAC_OVERRIDE}));
    EXPECT_EQ(needed(config + "\"observe\""), to_look) << "it connects to none";
}

TEST(EnabledUses, OnlyWhoAsksForPageFrameNumbersAdministersTheSystem) {
    const std::string config = "mode = \"advise\"\n";
    EXPECT_TRUE(needed(config + "memory.pagemap = true").contains(CAP_SYS_ADMIN));
    EXPECT_TRUE(needed(config + "tracking.heat = \"idle-page\"").contains(CAP_SYS_ADMIN));
    EXPECT_FALSE(needed(config + "tracking.heat = \"auto\"").contains(CAP_SYS_ADMIN));
}

TEST(EnabledUses, WhoseLibvirtMayStartProgramsMayLimitThem) {
    const std::string config = "mode = \"observe\"\ntracking.heat = \"none\"\n";
    EXPECT_EQ(needed(config + "seccomp = false"), with(to_look, {CAP_SETPCAP}));
}

TEST(EnabledUses, AnotherUserThanRootNeedsACapabilityForRootsFiles) {
    for (const std::string heat : {"auto", "damon", "idle-page"}) {
        const std::string config = "mode = \"advise\"\ntracking.heat = \"" + heat + "\"";
        EXPECT_FALSE(needed(config).contains(CAP_DAC_OVERRIDE)) << heat;
        EXPECT_TRUE(needed(config, false).contains(CAP_DAC_OVERRIDE)) << heat;
    }
}

TEST(EnabledUses, WhatIsTooRareToTrackNeedsNothing) {
    EXPECT_EQ(needed("mode = \"advise\"\ninterval = \"1min\""), to_look);
}

TEST(CapabilityName, IsThatOfTheKernelsHeader) {
    EXPECT_EQ(capability_name(CAP_SYS_NICE), "CAP_SYS_NICE");
}

std::string status_field(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    return "";
}

// In /proc/PID/status.
std::string mask_of(const Capabilities& capabilities) {
    std::uint64_t mask = 0;
    for (const int capability : capabilities)
        mask |= std::uint64_t{1} << capability;
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(mask));
    return text;
}

TEST(KeepCapabilities, LeavesNoOtherInAnySet) {
    const std::vector<int> held = held_capabilities();
    const bool may_drop_bounds = std::count(held.begin(), held.end(), CAP_SETPCAP) == 1;
    const auto uses = enabled_uses(Config(), true);
    Capabilities expected;
    for (const CapabilityUse& use : uses)
        if (std::count(held.begin(), held.end(), use.capability) == 1)
            expected.insert(use.capability);
    test::expect_in_child([&] {
        keep_capabilities(uses);
        const std::string mask = mask_of(expected), none = mask_of({});
        return status_field("CapEff") == mask && status_field("CapPrm") == mask &&
               status_field("CapInh") == none && status_field("CapAmb") == none &&
               (!may_drop_bounds || status_field("CapBnd") == mask);
    });
}

TEST(KeepCapabilities, MayBeCalledAgainAndGivesNothingBack) {
    test::expect_in_child([] {
        keep_capabilities({});
        keep_capabilities(enabled_uses(Config(), true));
        return held_capabilities().empty() && status_field("CapPrm") == mask_of({});
    });
}

TEST(SecurityDocument, HasEveryUseOfACapability) {
    std::ifstream in(std::string(VNUMA_DOCS) + "/security.md");
    std::ostringstream document;
    document << in.rdbuf();
    std::string table;
    for (const CapabilityUse& use : capability_uses())
        table += "| `" + capability_name(use.capability) + "` | " + use.feature + " | " +
                 use.purpose + " | " + use.without +
                 (use.required ? "; vnumad does not start" : "") + " |\n";
    EXPECT_NE(document.str().find("| --- | --- | --- | --- |\n" + table + "\n"), std::string::npos)
        << table;
}

}  // namespace
}  // namespace vnuma
