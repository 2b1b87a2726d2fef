// Problems of a source and what is in force instead, seen through resolve_policy().
#include "policy/limit_overrides.hpp"

#include <gtest/gtest.h>

#include "tests/policy/policy_sources.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

TEST(LimitOverrides, AnInvalidGroupNameIsNotRepeatedInTheProblem) {
    const GuestPolicy policy = resolve_policy({}, with_metadata(in_group("a\nb\xff")), two_nodes);
    EXPECT_EQ(policy.problems,
              Problems{"metadata: group: must be up to 64 letters, digits, '.', '_' and '-'"});
}

TEST(LimitOverrides, TheCeilingLimitsTheMetadata) {
    HostPolicy host;
    host.ceiling_mode = Mode::advise;
    host.ceiling_memory = MemoryPolicy::lazy;
    host.ceiling_priority = 10;
    host.ceiling_nodes = Numbers{0};
    PolicyOverrides overrides{Mode::act,    std::nullopt,        two_nodes,
                              std::nullopt, MemoryPolicy::eager, 50};
    const GuestPolicy policy = resolve_policy(host, with_metadata(overrides), two_nodes);
    EXPECT_EQ(policy.mode, Mode::advise);
    EXPECT_EQ(policy.memory, MemoryPolicy::lazy);
    EXPECT_EQ(policy.priority, 10);
    EXPECT_EQ(policy.nodes, Numbers{0});
    EXPECT_EQ(policy.problems,
              (Problems{"metadata: mode: act exceeds the ceiling, limited to advise",
                        "metadata: memory: eager exceeds the ceiling, limited to lazy",
                        "metadata: priority: 50 exceeds the ceiling, limited to 10",
                        "metadata: nodes: node 1 is not allowed by the ceiling"}));
}

TEST(LimitOverrides, AGroupThatTheCeilingDoesNotAllowIsIgnored) {
    HostPolicy host;
    host.groups["open"].members.priority = 1;
    host.groups["reserved"].members.priority = 2;
    host.ceiling_groups = {"open"};
    PolicySources guest = with_metadata(in_group("reserved"));
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).group, "");
    host.guests[guest.name] = in_group("open");
    const GuestPolicy policy = resolve_policy(host, guest, two_nodes);
    EXPECT_EQ(policy.group, "open");
    EXPECT_EQ(policy.priority, 1);
    EXPECT_EQ(policy.problems,
              Problems{"metadata: group: \"reserved\" is not allowed by the ceiling"});
}

TEST(LimitOverrides, ExceedingTheCeilingIsReportedEvenIfAnotherSourceTakesPrecedence) {
    HostPolicy host;
    host.ceiling_mode = Mode::advise;
    host.run_time.guests["web"] = mode_of(Mode::observe);
    const GuestPolicy policy = resolve_policy(host, with_metadata(mode_of(Mode::act)), two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems.size(), 1U);
}

TEST(LimitOverrides, TheCeilingLimitsTheRunTimePolicy) {
    HostPolicy host;
    host.ceiling_mode = Mode::observe;
    host.run_time.guests["web"] = mode_of(Mode::act);
    const GuestPolicy policy = resolve_policy(host, make_guest(), two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems, Problems{"run-time policy, guest.web: mode: act exceeds the "
                                        "ceiling, limited to observe"});
}

TEST(LimitOverrides, TheCeilingLimitsBuiltInValuesWithoutAProblem) {
    HostPolicy host;
    host.ceiling_mode = Mode::observe;
    host.ceiling_memory = MemoryPolicy::none;
    host.ceiling_priority = -1;
    host.ceiling_nodes = Numbers{1, 7};
    const GuestPolicy policy = resolve_policy(host, make_guest(), two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.memory, MemoryPolicy::none);
    EXPECT_EQ(policy.priority, -1);
    EXPECT_EQ(policy.nodes, Numbers{1});
    EXPECT_EQ(policy.problems, Problems{});
}

TEST(LimitOverrides, NodesThatDoNotExistAreReportedAndIgnored) {
    const GuestPolicy policy = resolve_policy({}, with_metadata(nodes_of({6, 1, 5})), two_nodes);
    EXPECT_EQ(policy.nodes, Numbers{1});
    EXPECT_EQ(policy.mode, Mode::act);
    EXPECT_EQ(policy.problems, Problems{"metadata: nodes: nodes 5, 6 do not exist on this host"});
}

TEST(LimitOverrides, UnderACeilingWithoutANodeOfTheHostGuestsAreOnlyObserved) {
    HostPolicy host;
    host.ceiling_nodes = Numbers{5};
    const GuestPolicy policy = resolve_policy(host, make_guest(), two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems,
              Problems{"ceiling: nodes: no node is left, so the guest is at most observed"});
}

TEST(LimitOverrides, ALongListOfNodesIsAbbreviatedInTheProblem) {
    Numbers many;
    for (int node = 0; node < 1000; ++node)
        many.push_back(node);
    const GuestPolicy policy = resolve_policy({}, with_metadata(nodes_of(many)), two_nodes);
    ASSERT_EQ(policy.problems.size(), 1U);
    EXPECT_LT(policy.problems[0].size(), 100U) << policy.problems[0];
}

TEST(LimitOverrides, AnImpossibleHomeIsReportedAndIgnored) {
    const auto problems_of = [](const PolicySources& guest) {
        const GuestPolicy policy = resolve_policy({}, guest, two_nodes);
        EXPECT_EQ(policy.home, Numbers{});
        EXPECT_EQ(policy.mode, Mode::act);
        return policy.problems;
    };
    EXPECT_EQ(problems_of(with_metadata(home_of({5}))),
              Problems{"metadata: home: node 5 does not exist on this host"});
    EXPECT_EQ(problems_of(with_metadata(home_of({0, 1}), 3)),
              Problems{"metadata: home: is set for 2 cells, but the guest has 3"});
    PolicyOverrides elsewhere = home_of({1});
    elsewhere.nodes = Numbers{0};
    EXPECT_EQ(problems_of(with_metadata(elsewhere)),
              Problems{"metadata: home: node 1 is not among the guest's nodes"});
}

TEST(LimitOverrides, AHomeThatTheCeilingDoesNotAllowIsIgnored) {
    HostPolicy host;
    host.ceiling_nodes = Numbers{0};
    const GuestPolicy policy = resolve_policy(host, with_metadata(home_of({1})), two_nodes);
    EXPECT_EQ(policy.home, Numbers{});
    EXPECT_EQ(policy.problems, Problems{"metadata: home: node 1 is not allowed by the ceiling"});
}

TEST(LimitOverrides, APriorityOutOfRangeIsLimited) {
    HostPolicy host;
    host.run_time.guests["web"] = priority_of(1000);
    const GuestPolicy policy = resolve_policy(host, make_guest(), two_nodes);
    EXPECT_EQ(policy.priority, max_priority);
    EXPECT_EQ(policy.problems, Problems{"run-time policy, guest.web: priority: 1000 is not from "
                                        "-100 to 100, limited to 100"});
}

}  // namespace
}  // namespace vnuma
