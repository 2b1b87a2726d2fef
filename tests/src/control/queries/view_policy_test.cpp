#include "src/control/queries/view_policy.hpp"

#include <gtest/gtest.h>

#include "tests/src/control/queries/made_up_tick.hpp"

namespace vnuma::control {
namespace {

using test::MadeUpTick;
using test::tick_of_web1;

PolicyTarget of_guest(const std::string& guest) {
    return {guest, std::nullopt, std::nullopt};
}

PolicyView view(const MadeUpTick& made, const PolicyTarget& target) {
    return std::get<PolicyView>(view_policy(made.tick, target));
}

const PolicyValue& value(const PolicyView& view, const std::string& key) {
    const auto found = std::find_if(view.values.begin(), view.values.end(),
                                    [&](const PolicyValue& one) { return one.key == key; });
    if (found == view.values.end()) throw std::runtime_error("there is no " + key);
    return *found;
}

TEST(ViewPolicy, HasTheSourceOfEachValueOfAGuest) {
    MadeUpTick made = tick_of_web1();
    HostPolicy& policy = made.tick.policy;
    policy.defaults.memory = MemoryPolicy::eager;
    policy.guests["web*"].group = "db";
    policy.groups["db"].members.priority = 7;
    policy.run_time.guests["web1"].nodes = {0};
    policy.run_time_until["guest.web1"] = 5'000;
    policy.guests["web1"].mode = Mode::act;
    policy.ceiling_mode = Mode::advise;
    const PolicyView found = view(made, of_guest("web1"));
    EXPECT_EQ(found.target, "guest web1");
    EXPECT_EQ(found.values, (std::vector<PolicyValue>{{"mode", "advise", "ceiling", {}},
                                                      {"group", "db", "configuration", {}},
                                                      {"nodes", "0", "run-time", 5'000},
                                                      {"home", "", "built-in", {}},
                                                      {"memory", "eager", "configuration", {}},
                                                      {"priority", "7", "group db", {}}}));
    EXPECT_EQ(found.run_time, (std::vector<PolicyValue>{{"nodes", "0", "run-time", 5'000}}));
    EXPECT_EQ(
        found.problems,
        (std::vector<std::string>{"guest.web1: mode: act exceeds the ceiling, limited to advise"}));
}

TEST(ViewPolicy, TellsRunTimeValuesOfAGuestOfItsGroupAndOfAllApart) {
    MadeUpTick made = tick_of_web1();
    RunTimeOverrides& words = made.tick.policy.run_time;
    words.guests["web1"].group = "db";
    words.groups["db"].members.home = {{1}};
    words.defaults.mode = Mode::observe;
    const PolicyView found = view(made, of_guest("web1"));
    EXPECT_EQ(value(found, "group").source, "run-time");
    EXPECT_EQ(value(found, "home").source, "run-time, group db");
    EXPECT_EQ(value(found, "mode").source, "run-time, defaults");
    EXPECT_EQ(found.run_time.size(), 3U);
}

TEST(ViewPolicy, KnowsMetadataAndLimitsOfTheMoment) {
    MadeUpTick made = tick_of_web1();
    Domain domain = *made.sample().domain;
    domain.policy.priority = 3;
    made.sample().domain = std::make_shared<const Domain>(domain);
    made.tick.policy.limits.push_back({"coexist.numad", "numad runs", Mode::observe});
    const PolicyView found = view(made, of_guest("web1"));
    EXPECT_EQ(value(found, "priority"), (PolicyValue{"priority", "3", "metadata", {}}));
    EXPECT_EQ(value(found, "mode"), (PolicyValue{"mode", "observe", "coexist.numad", {}}));
    EXPECT_TRUE(found.run_time.empty());
}

TEST(ViewPolicy, FindsSectionsByTheControlGroupOfTheGuest) {
    MadeUpTick made = tick_of_web1();
    made.sample().cgroup = "/kubepods/pod1";
    made.tick.policy.run_time.cgroups["/kubepods/*"].mode = Mode::observe;
    EXPECT_EQ(value(view(made, of_guest("web1")), "mode"),
              (PolicyValue{"mode", "observe", "run-time", {}}));
    EXPECT_EQ(view(made, {std::nullopt, "/kubepods/*", std::nullopt}).target, "cgroup /kubepods/*");
}

TEST(ViewPolicy, ShowsWhatThePlannersInputHasFoundWrongBesides) {
    MadeUpTick made = tick_of_web1();
    made.state().policy.problems = {"policy: nodes, home: its owner allows none of these"};
    EXPECT_EQ(view(made, of_guest("web1")).problems, made.state().policy.problems);
    made.tick.policy_problem = "line 3 is wrong";
    EXPECT_EQ(view(made, of_guest("web1")).problems.back(),
              "the file of the run-time policy is not in force: line 3 is wrong");
}

TEST(ViewPolicy, HasTheSectionOfAGuestThatDoesNotRunAndOfAPattern) {
    MadeUpTick made = tick_of_web1();
    made.tick.policy.guests["db7"].priority = 4;
    made.tick.policy.run_time.guests["db7"].mode = Mode::off;
    const PolicyView found = view(made, of_guest("db7"));
    EXPECT_EQ(found.values, (std::vector<PolicyValue>{{"mode", "off", "run-time", {}},
                                                      {"priority", "4", "configuration", {}}}));
    EXPECT_TRUE(view(made, of_guest("cache*")).values.empty());
    const auto refused = view_policy(made.tick, of_guest("wbe1"));
    EXPECT_STREQ(std::get<Refused>(refused).error_class, guest_not_found);
}

TEST(ViewPolicy, HasGroupsAndDefaultsWithBuiltInValues) {
    MadeUpTick made = tick_of_web1();
    made.tick.policy.groups["db"].members.mode = Mode::advise;
    made.tick.policy.run_time.groups["db"].arrangement = Arrangement::apart;
    made.tick.policy.run_time_until["group.db"] = 9'000;
    EXPECT_EQ(view(made, {std::nullopt, std::nullopt, "db"}).values,
              (std::vector<PolicyValue>{{"arrangement", "apart", "run-time, group db", 9'000},
                                        {"mode", "advise", "group db", {}}}));
    made.tick.policy.run_time.defaults.priority = 2;
    EXPECT_EQ(view(made, {}).values,
              (std::vector<PolicyValue>{{"mode", "act", "built-in", {}},
                                        {"memory", "lazy", "built-in", {}},
                                        {"priority", "2", "run-time, defaults", {}}}));
    EXPECT_EQ(view(made, {}).target, "defaults");
    const auto refused = view_policy(made.tick, {std::nullopt, std::nullopt, "none"});
    EXPECT_EQ(std::get<Refused>(refused).description,
              "there is no group \"none\"; vnumactl group list shows all groups");
}

TEST(ViewPolicy, RefusesTwoTargetsAtOnce) {
    const auto refused = view_policy(tick_of_web1().tick, {"web1", std::nullopt, "db"});
    EXPECT_STREQ(std::get<Refused>(refused).error_class, invalid_argument);
}

TEST(ViewPolicy, OfABlindTickHasSectionsOnly) {
    Tick tick;
    tick.policy.guests["web1"].mode = Mode::off;
    EXPECT_EQ(std::get<PolicyView>(view_policy(tick, of_guest("web1"))).values.size(), 1U);
    EXPECT_STREQ(std::get<Refused>(view_policy(tick, of_guest("web2"))).error_class, is_blind);
}

}  // namespace
}  // namespace vnuma::control
