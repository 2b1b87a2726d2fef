#include "src/control/orders/policy_change.hpp"

#include <gtest/gtest.h>

namespace vnuma::control {
namespace {

using config_text::RunTimeSections;
using Kind = PolicySection::Kind;

constexpr std::int64_t now = 1'000'000;
const PolicySection web{Kind::guest, "web1"}, defaults{}, group{Kind::group, "web"};

class PolicyChangeTest : public ::testing::Test {
  protected:
    // Returns why it is refused, or an empty string.
    std::string set(const PolicySection& section, const std::vector<Setting>& settings,
                    std::optional<std::int64_t> for_ms = std::nullopt) {
        const auto refused = set_values(policy, host, section, settings, for_ms, now);
        return refused ? refused->description : "";
    }
    std::string unset(const PolicySection& section, const std::vector<std::string>& keys = {}) {
        const auto refused = unset_values(policy, host, section, keys);
        return refused ? refused->description : "";
    }

    HostPolicy host;
    RunTimeSections policy;
};

TEST_F(PolicyChangeTest, EveryKeyOfAGuestCanBeSet) {
    host.groups["db"];
    EXPECT_EQ(set(web, {{"mode", "observe"},
                        {"home", "1"},
                        {"nodes", "0-1"},
                        {"memory", "lazy"},
                        {"priority", "10"},
                        {"group", "db"}}),
              "");
    const PolicyOverrides& guest = policy.overrides.guests.at("web1");
    EXPECT_EQ(guest.mode, Mode::observe);
    EXPECT_EQ(guest.home, std::vector<int>{1});
    EXPECT_EQ(guest.nodes, (std::vector<int>{0, 1}));
    EXPECT_EQ(guest.memory, MemoryPolicy::lazy);
    EXPECT_EQ(guest.priority, 10);
    EXPECT_EQ(guest.group, "db");
}

TEST_F(PolicyChangeTest, AnEmptyGroupMeansNone) {
    EXPECT_EQ(set(web, {{"group", ""}}), "");
    EXPECT_EQ(policy.overrides.guests.at("web1").group, "");
}

TEST_F(PolicyChangeTest, AGuestJoinsAGroupOfRunTime) {
    EXPECT_NE(set(web, {{"group", "web"}}), "");
    EXPECT_EQ(set(group, {{"arrangement", "apart"}}), "");
    EXPECT_EQ(set(web, {{"group", "web"}}), "");
}

TEST_F(PolicyChangeTest, UnknownKeysAndValuesAreRefusedAndNothingChanges) {
    EXPECT_EQ(
        set(web, {{"priority", "1"}, {"mod", "off"}}),
        "\"mod\" is no key of guest web1: it must be one of mode, group, nodes, home, memory, "
        "priority");
    EXPECT_NE(set(defaults, {{"home", "1"}}), "") << "there is no home for all guests";
    EXPECT_EQ(set(web, {{"mode", "of"}}),
              "mode: must be one of \"off\", \"observe\", \"advise\", \"act\"");
    EXPECT_EQ(set(web, {{"priority", "1000"}}),
              "priority: must be a whole number from -100 to 100");
    EXPECT_EQ(set(web, {{"priority", "10x"}}), "priority: must be a whole number from -100 to 100");
    EXPECT_NE(set(web, {{"nodes", ""}}), "");
    EXPECT_EQ(set(web, {{"mode", "off"}, {"mode", "act"}}), "mode: is set twice");
    EXPECT_NE(set(web, {}), "");
    EXPECT_NE(set(web, {{"mode", "off"}}, 0), "");
    EXPECT_NE(set(web, {{"mode", "off"}}, max_policy_time_ms + 1), "");
    EXPECT_EQ(policy, RunTimeSections());
}

TEST_F(PolicyChangeTest, ASectionEndsAfterTheTimeThatIsAskedFor) {
    EXPECT_EQ(set(web, {{"mode", "off"}}, 5000), "");
    EXPECT_EQ(policy.ends.at("guest.web1"), now + 5000);
    EXPECT_EQ(set(web, {{"priority", "1"}}, 9000), "") << "all values of it have the new end";
    EXPECT_EQ(policy.ends.at("guest.web1"), now + 9000);
    EXPECT_EQ(set(web, {{"priority", "1"}, {"mode", "off"}}), "") << "none of them has an end";
    EXPECT_TRUE(policy.ends.empty());
}

TEST_F(PolicyChangeTest, AnEndIsNeitherGivenToNorTakenFromOtherValues) {
    EXPECT_EQ(set(web, {{"mode", "off"}}), "");
    EXPECT_EQ(set(web, {{"priority", "1"}}, 5000),
              "all values of guest web1 have one end, and mode has none: set these with the same "
              "end, too, or unset them first");
    EXPECT_EQ(set(web, {{"mode", "off"}}, 5000), "");
    EXPECT_NE(set(web, {{"priority", "1"}}), "");
    EXPECT_EQ(policy.overrides.guests.at("web1").priority, std::nullopt);
}

TEST_F(PolicyChangeTest, UnsettingTheLastValueRemovesTheSection) {
    EXPECT_EQ(set(web, {{"mode", "off"}, {"priority", "1"}}, 5000), "");
    EXPECT_EQ(unset(web, {"mode"}), "");
    EXPECT_EQ(policy.overrides.guests.at("web1").mode, std::nullopt);
    EXPECT_EQ(policy.overrides.guests.at("web1").priority, 1);
    EXPECT_EQ(unset(web, {"priority"}), "");
    EXPECT_EQ(policy, RunTimeSections());
}

TEST_F(PolicyChangeTest, UnsettingWhatIsNotSetIsRefused) {
    EXPECT_EQ(unset(web), "nothing is set at run time for guest web1");
    EXPECT_EQ(set(web, {{"mode", "off"}}), "");
    EXPECT_EQ(unset(web, {"priority"}), "none of priority is set at run time for guest web1");
    EXPECT_NE(unset(web, {"prio"}), "");
    EXPECT_EQ(unset(web), "");
}

TEST_F(PolicyChangeTest, AGroupWithMembersIsNotRemoved) {
    EXPECT_EQ(set(group, {{"priority", "1"}}), "");
    EXPECT_EQ(set(web, {{"group", "web"}}), "");
    EXPECT_EQ(unset(group),
              "group web has members by the run-time policy (guest.web1): unset their group first");
    EXPECT_EQ(unset(group, {"priority"}), "");
    EXPECT_TRUE(policy.overrides.groups.contains("web")) << "it is an empty one now";
    EXPECT_EQ(unset(web), "");
    EXPECT_EQ(unset(group), "");
    EXPECT_EQ(policy, RunTimeSections());
}

PolicyTarget guest_target(std::string name) {
    PolicyTarget target;
    target.guest = std::move(name);
    return target;
}

PolicyTarget cgroup_target(std::string path) {
    PolicyTarget target;
    target.cgroup = std::move(path);
    return target;
}

PolicyTarget group_target(std::string name) {
    PolicyTarget target;
    target.group = std::move(name);
    return target;
}

TEST(PolicyTargets, NameOneSection) {
    const auto section = [](const PolicyTarget& target) {
        return std::get<PolicySection>(section_of(target));
    };
    EXPECT_EQ(section({}), defaults);
    EXPECT_EQ(section(guest_target("web1")), web);
    EXPECT_EQ(section(guest_target("ABCDEF012345467889ABCDEFABCDEF01")).name,
              "abcdef01-2345-4678-89ab-cdefabcdef01");
    EXPECT_EQ(section(cgroup_target("/kubepods/*")), (PolicySection{Kind::cgroup, "/kubepods/*"}));
    EXPECT_EQ(section(group_target("web")), group);
    PolicyTarget both = guest_target("a");
    both.group = "b";
    for (const PolicyTarget& target :
         {both, guest_target(""), cgroup_target("kubepods"), group_target("a b"),
          guest_target(std::string(max_section_name + 1, 'a'))})
        EXPECT_TRUE(std::holds_alternative<Refused>(section_of(target)));
}

}  // namespace
}  // namespace vnuma::control
