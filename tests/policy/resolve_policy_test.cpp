#include "policy/resolve_policy.hpp"

#include <gtest/gtest.h>

#include "tests/policy/policy_sources.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

TEST(ResolvePolicy, WithoutOverridesAllValuesAreBuiltIn) {
    const GuestPolicy policy = resolve_policy({}, make_guest(), two_nodes);
    EXPECT_EQ(policy, GuestPolicy{});
    EXPECT_EQ(policy.mode, Mode::act);
    EXPECT_EQ(policy.memory, MemoryPolicy::lazy);
    EXPECT_EQ(policy.priority, 0);
}

TEST(ResolvePolicy, EachSourceOverridesThoseOfLowerPrecedence) {
    HostPolicy host;
    PolicySources guest = make_guest();
    guest.cgroup = "/machine.slice/web.scope";
    const auto priority = [&] { return resolve_policy(host, guest, two_nodes).priority; };
    host.defaults = priority_of(1);
    EXPECT_EQ(priority(), 1);
    host.run_time.defaults = priority_of(-3);
    EXPECT_EQ(priority(), -3) << "only the configuration's defaults are below those of run time";
    host.cgroups["/machine.slice/*"] = priority_of(-2);
    EXPECT_EQ(priority(), -2);
    host.guests["w*"] = priority_of(-1);
    EXPECT_EQ(priority(), -1);
    host.guests["web"] = priority_of(2);
    EXPECT_EQ(priority(), 2);
    host.guests[uuid] = priority_of(3);
    EXPECT_EQ(priority(), 3) << "the section of the UUID overrides that of the name";
    host.groups["db"].members = priority_of(4);
    host.guests["web"].group = "db";
    EXPECT_EQ(priority(), 4);
    guest.metadata = priority_of(5);
    EXPECT_EQ(priority(), 5);
    host.run_time.groups["db"].members = priority_of(6);
    EXPECT_EQ(priority(), 6);
    host.run_time.cgroups["/machine.slice/*"] = priority_of(7);
    EXPECT_EQ(priority(), 7);
    host.run_time.guests["w*"] = priority_of(8);
    EXPECT_EQ(priority(), 8);
    host.run_time.guests["web"] = priority_of(9);
    EXPECT_EQ(priority(), 9);
    host.run_time.guests[uuid] = priority_of(10);
    EXPECT_EQ(priority(), 10);
    host.run_time.guests[uuid] = {};
    EXPECT_EQ(priority(), 9) << "what a section leaves out is that of the section below it";
}

TEST(ResolvePolicy, MissingKeysAreTakenFromSourcesOfLowerPrecedence) {
    HostPolicy host;
    host.defaults.memory = MemoryPolicy::eager;
    host.guests["web"] = nodes_of({1, 0});
    host.guests[uuid] = priority_of(7);
    const GuestPolicy policy =
        resolve_policy(host, with_metadata(mode_of(Mode::advise)), two_nodes);
    EXPECT_EQ(policy.mode, Mode::advise);
    EXPECT_EQ(policy.memory, MemoryPolicy::eager);
    EXPECT_EQ(policy.priority, 7);
    EXPECT_EQ(policy.nodes, two_nodes);
    EXPECT_EQ(policy.problems, Problems{});
}

TEST(ResolvePolicy, ALimitOfTheMomentHoldsWhateverTheSourcesSetAndSaysWhy) {
    HostPolicy host;
    host.limits = {{"run-time policy", "its file cannot be used", Mode::observe},
                   {"coexist.ksm", "KSM runs", Mode::act, MemoryPolicy::none}};
    PolicySources guest = with_metadata(mode_of(Mode::act));
    host.run_time.guests["web"] = mode_of(Mode::act);
    const GuestPolicy policy = resolve_policy(host, guest, two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.memory, MemoryPolicy::none);
    EXPECT_EQ(policy.problems,
              (Problems{"run-time policy: mode: its file cannot be used, limited to observe",
                        "coexist.ksm: memory: KSM runs, limited to none"}));
    host.run_time.guests["web"] = mode_of(Mode::off);
    host.limits.resize(1);
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).mode, Mode::off);
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).problems, Problems{}) << "nothing is limited";
}

TEST(ResolvePolicy, ALimitMayBeForSomeGuestsOnly) {
    HostPolicy host;
    PolicyLimit& limit = host.limits.emplace_back();
    limit.mode = Mode::observe;
    limit.guests = {"another uuid"};
    EXPECT_EQ(resolve_policy(host, make_guest(), two_nodes), GuestPolicy{});
    limit.guests = {uuid};
    EXPECT_EQ(resolve_policy(host, make_guest(), two_nodes).mode, Mode::observe);
}

TEST(ResolvePolicy, TheSectionOfAGuestDoesNotApplyToOthers) {
    HostPolicy host;
    host.guests["mail"] = mode_of(Mode::off);
    EXPECT_EQ(resolve_policy(host, make_guest(), two_nodes), GuestPolicy{});
}

TEST(ResolvePolicy, TheSourceOfHighestPrecedenceNamesTheGroup) {
    HostPolicy host;
    host.groups["db"].members = priority_of(4);
    host.groups["batch"].members = priority_of(-4);
    host.groups["batch"].members.group = "db";  // ignored
    host.guests["web"].group = "db";
    const GuestPolicy policy = resolve_policy(host, with_metadata(in_group("batch")), two_nodes);
    EXPECT_EQ(policy.group, "batch");
    EXPECT_EQ(policy.priority, -4);
}

TEST(ResolvePolicy, AnEmptyGroupTakesTheGuestOutOfItsGroup) {
    HostPolicy host;
    host.groups["db"].members = priority_of(4);
    host.guests["web"].group = "db";
    PolicySources guest = make_guest();
    host.run_time.guests["web"].group = "";
    EXPECT_EQ(resolve_policy(host, guest, two_nodes), GuestPolicy{});
}

TEST(ResolvePolicy, TheRunTimePolicyMayAddGroups) {
    HostPolicy host;
    PolicySources guest = make_guest();
    host.run_time.groups["new"].members = priority_of(4);
    host.run_time.guests["web"].group = "new";
    const GuestPolicy policy = resolve_policy(host, guest, two_nodes);
    EXPECT_EQ(policy.group, "new");
    EXPECT_EQ(policy.priority, 4);
    EXPECT_EQ(policy.problems, Problems{});
    host.run_time.groups["new"].members = nodes_of({5});
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).problems.front(),
              "run-time policy, group.new: nodes: node 5 does not exist on this host");
    host.ceiling_groups.emplace();
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).group, "");
}

TEST(ResolvePolicy, AGroupThatDoesNotExistIsReportedAndNotJoined) {
    HostPolicy host;
    host.groups["db"].members = priority_of(4);
    host.guests["web"].group = "db";
    const GuestPolicy policy = resolve_policy(host, with_metadata(in_group("dd")), two_nodes);
    EXPECT_EQ(policy.group, "");
    EXPECT_EQ(policy.priority, 0);
    EXPECT_EQ(policy.problems, Problems{"metadata: group: \"dd\" does not exist"});
    PolicySources guest = with_metadata(in_group("dd"));
    host.run_time.guests["web"].group = "db";
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).problems, policy.problems)
        << "it is reported even if another source takes precedence";
}

TEST(ResolvePolicy, NodesWithoutCpusOrMemoryAreReported) {
    HostPolicy host;
    PolicySources guest = make_guest();
    guest.nodes_without_cpus = {1, 2};
    const auto problems_with = [&](Numbers nodes) {
        host.guests["web"].nodes = std::move(nodes);
        return resolve_policy(host, guest, {0, 1, 2}).problems;
    };
    EXPECT_EQ(problems_with({0, 1}), Problems{}) << "one complete node suffices";
    EXPECT_EQ(problems_with({1}), Problems{"guest.web: nodes: node 1 has no CPUs"});
    EXPECT_EQ(problems_with({1, 2}), Problems{"guest.web: nodes: nodes 1, 2 have no CPUs"});
    host.guests["web"].nodes.reset();
    host.guests["web"].home = Numbers{1};
    const GuestPolicy policy = resolve_policy(host, guest, {0, 1, 2});
    EXPECT_EQ(policy.problems, Problems{"guest.web: home: node 1 has no CPUs"});
    EXPECT_TRUE(policy.home.empty());
}

TEST(ResolvePolicy, AGuestOfSeveralCellsInAGroupWithOneHomeIsReported) {
    HostPolicy host;
    host.groups["db"].arrangement = Arrangement::together;
    host.guests["web"].group = "db";
    PolicySources guest = make_guest();
    guest.cells = 2;
    EXPECT_EQ(
        resolve_policy(host, guest, two_nodes).problems,
        Problems{
            "guest.web: group: \"db\" has one home for all members, but the guest has 2 cells"});
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).group, "db");
    guest.empty_cells = 1;
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).problems, Problems{}) << "one is placed";
}

TEST(ResolvePolicy, AGuestWithoutAnyNodeLeftIsOnlyObserved) {
    const GuestPolicy policy = resolve_policy({}, with_metadata(nodes_of({5})), two_nodes);
    EXPECT_EQ(policy.nodes, Numbers{});
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems,
              (Problems{"metadata: nodes: node 5 does not exist on this host",
                        "metadata: nodes: no node is left, so the guest is at most observed"}));
}

TEST(ResolvePolicy, AGuestThatIsOffStaysOffWithoutAnyNodeLeft) {
    PolicyOverrides overrides = nodes_of({5});
    overrides.mode = Mode::off;
    EXPECT_EQ(resolve_policy({}, with_metadata(overrides), two_nodes).mode, Mode::off);
}

TEST(ResolvePolicy, NodesOfAnOverriddenSourceDoNotLimitTheGuest) {
    HostPolicy host;
    host.defaults = nodes_of({5});
    const GuestPolicy policy = resolve_policy(host, with_metadata(nodes_of({1})), two_nodes);
    EXPECT_EQ(policy.nodes, Numbers{1});
    EXPECT_EQ(policy.mode, Mode::act);
    EXPECT_EQ(policy.problems, Problems{"policy: nodes: node 5 does not exist on this host"});
}

TEST(ResolvePolicy, OneHomeNodeAppliesToAllCells) {
    EXPECT_EQ(resolve_policy({}, with_metadata(home_of({1}), 3), two_nodes).home,
              (Numbers{1, 1, 1}));
    EXPECT_EQ(resolve_policy({}, with_metadata(home_of({1, 0}), 2), two_nodes).home,
              (Numbers{1, 0}))
        << "one node for each cell, in the order of cells";
}

TEST(ResolvePolicy, AfterAnImpossibleHomeTheNextSourceSetsTheHome) {
    HostPolicy host;
    host.guests["web"] = home_of({0});
    const GuestPolicy policy = resolve_policy(host, with_metadata(home_of({5})), two_nodes);
    EXPECT_EQ(policy.home, Numbers{0});
    EXPECT_EQ(policy.problems.size(), 1U);
}

TEST(ResolvePolicy, MetadataWithProblemsNeverRaisesTheMode) {
    PolicySources guest = with_metadata(mode_of(Mode::act));
    guest.metadata_problems = {"metadata: colour: is not known"};
    GuestPolicy policy = resolve_policy({}, guest, two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems, guest.metadata_problems);
    HostPolicy host;
    host.guests["web"] = mode_of(Mode::off);
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).mode, Mode::off);
    host.run_time.guests["web"] = mode_of(Mode::advise);
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).mode, Mode::advise)
        << "whoever sets the run-time policy can see the problem";
}

}  // namespace
}  // namespace vnuma
