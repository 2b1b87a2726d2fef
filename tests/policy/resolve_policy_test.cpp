#include "policy/resolve_policy.hpp"
#include "policy/model/guest_policy.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using Numbers = std::vector<int>;
using Problems = std::vector<std::string>;

const Numbers two_nodes{0, 1};
constexpr const char* uuid = "3caba501-6c1e-4c39-9f53-0d8f2f5f1a10";

PolicySources make_guest(std::size_t cells = 1) {
    PolicySources guest;
    guest.uuid = uuid;
    guest.name = "web";
    guest.cells = cells;
    return guest;
}

PolicySources with_metadata(PolicyOverrides words, std::size_t cells = 1) {
    PolicySources guest = make_guest(cells);
    guest.metadata = std::move(words);
    return guest;
}

PolicyOverrides mode_of(Mode mode) {
    PolicyOverrides words;
    words.mode = mode;
    return words;
}

PolicyOverrides nodes_of(Numbers nodes) {
    PolicyOverrides words;
    words.nodes = std::move(nodes);
    return words;
}

PolicyOverrides home_of(Numbers home) {
    PolicyOverrides words;
    words.home = std::move(home);
    return words;
}

PolicyOverrides priority_of(int priority) {
    PolicyOverrides words;
    words.priority = priority;
    return words;
}

PolicyOverrides group_of(std::string group) {
    PolicyOverrides words;
    words.group = std::move(group);
    return words;
}

TEST(GuestPolicy, WithoutWordsItIsTheBuiltInOne) {
    const GuestPolicy policy = resolve_policy({}, make_guest(), two_nodes);
    EXPECT_EQ(policy, GuestPolicy{});
    EXPECT_EQ(policy.mode, Mode::act);
    EXPECT_EQ(policy.memory, MemoryPolicy::lazy);
    EXPECT_EQ(policy.priority, 0);
}

TEST(GuestPolicy, EachSourceGoesBeforeThoseBelowIt) {
    HostPolicy host;
    PolicySources guest = make_guest();
    const auto priority = [&] { return resolve_policy(host, guest, two_nodes).priority; };
    host.defaults = priority_of(1);
    EXPECT_EQ(priority(), 1);
    host.guests["web"] = priority_of(2);
    EXPECT_EQ(priority(), 2);
    host.guests[uuid] = priority_of(3);
    EXPECT_EQ(priority(), 3) << "the uuid's words go before the name's";
    host.groups["db"].members = priority_of(4);
    host.guests["web"].group = "db";
    EXPECT_EQ(priority(), 4);
    guest.metadata = priority_of(5);
    EXPECT_EQ(priority(), 5);
    host.run_time.groups["db"].members = priority_of(6);
    EXPECT_EQ(priority(), 6);
    guest.run_time = priority_of(7);
    EXPECT_EQ(priority(), 7);
}

TEST(GuestPolicy, WhatASourceLeavesOutIsUpToThoseBelowIt) {
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

TEST(GuestPolicy, WordsForOneGuestAreNotForOthers) {
    HostPolicy host;
    host.guests["mail"] = mode_of(Mode::off);
    EXPECT_EQ(resolve_policy(host, make_guest(), two_nodes), GuestPolicy{});
}

TEST(GuestPolicy, TheGroupIsTheOneThatTheHighestSourceNames) {
    HostPolicy host;
    host.groups["db"].members = priority_of(4);
    host.groups["batch"].members = priority_of(-4);
    host.groups["batch"].members.group = "db";  // not used
    host.guests["web"].group = "db";
    const GuestPolicy policy = resolve_policy(host, with_metadata(group_of("batch")), two_nodes);
    EXPECT_EQ(policy.group, "batch");
    EXPECT_EQ(policy.priority, -4);
}

TEST(GuestPolicy, AnEmptyGroupIsNone) {
    HostPolicy host;
    host.groups["db"].members = priority_of(4);
    host.guests["web"].group = "db";
    PolicySources guest = make_guest();
    guest.run_time.group = "";
    EXPECT_EQ(resolve_policy(host, guest, two_nodes), GuestPolicy{});
}

TEST(GuestPolicy, AGroupMayBeSaidAtRunTimeOnly) {
    HostPolicy host;
    PolicySources guest = make_guest();
    host.run_time.groups["new"].members = priority_of(4);
    guest.run_time.group = "new";
    const GuestPolicy policy = resolve_policy(host, guest, two_nodes);
    EXPECT_EQ(policy.group, "new");
    EXPECT_EQ(policy.priority, 4);
    EXPECT_EQ(policy.problems, Problems{});
    host.run_time.groups["new"].members = nodes_of({5});
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).problems.front(),
              "run time, group.new: nodes: 5 is no node of this host");
    host.ceiling_groups.emplace();
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).group, "");
}

TEST(GuestPolicy, AGroupsArrangementIsThatOfRunTimeIfItIsSaidThere) {
    HostPolicy host;
    host.groups["a"].arrangement = Arrangement::apart;
    host.groups["b"].arrangement = Arrangement::apart;
    host.run_time.groups["a"].arrangement = Arrangement::none;
    host.run_time.groups["b"].members = priority_of(1);
    host.run_time.groups["c"];
    EXPECT_EQ(host.arrangements(),
              (std::map<std::string, Arrangement>{
                  {"a", Arrangement::none}, {"b", Arrangement::apart}, {"c", Arrangement::none}}));
}

TEST(GuestPolicy, AGroupThatDoesNotExistIsAProblemAndNone) {
    HostPolicy host;
    host.groups["db"].members = priority_of(4);
    host.guests["web"].group = "db";
    const GuestPolicy policy = resolve_policy(host, with_metadata(group_of("dd")), two_nodes);
    EXPECT_EQ(policy.group, "");
    EXPECT_EQ(policy.priority, 0);
    EXPECT_EQ(policy.problems, Problems{"metadata: group: there is no group \"dd\""});
    PolicySources guest = with_metadata(group_of("dd"));
    guest.run_time.group = "db";
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).problems, policy.problems)
        << "it is told all the same";
}

TEST(GuestPolicy, NodesThatCanBeNobodysHomeAreAProblem) {
    HostPolicy host;
    PolicySources guest = make_guest();
    guest.homeless_nodes = {1, 2};
    const auto problems_with = [&](Numbers nodes) {
        host.guests["web"].nodes = std::move(nodes);
        return resolve_policy(host, guest, {0, 1, 2}).problems;
    };
    EXPECT_EQ(problems_with({0, 1}), Problems{}) << "one will do";
    EXPECT_EQ(problems_with({1}), Problems{"guest.web: nodes: 1 is without CPUs or memory"});
    EXPECT_EQ(problems_with({1, 2}), Problems{"guest.web: nodes: 1, 2 are without CPUs or memory"});
    host.guests["web"].nodes.reset();
    host.guests["web"].home = Numbers{1};
    const GuestPolicy policy = resolve_policy(host, guest, {0, 1, 2});
    EXPECT_EQ(policy.problems, Problems{"guest.web: home: 1 is without CPUs or memory"});
    EXPECT_TRUE(policy.home.empty());
}

TEST(GuestPolicy, OneHomeForAGuestOfSeveralCellsIsAProblem) {
    HostPolicy host;
    host.groups["db"].arrangement = Arrangement::together;
    host.guests["web"].group = "db";
    PolicySources guest = make_guest();
    guest.cells = 2;
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).problems,
              Problems{"guest.web: group: \"db\" has one home, and the guest has 2 cells"});
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).group, "db");
}

TEST(GuestPolicy, WhatIsNoNameOfAGroupIsNotRepeated) {
    const GuestPolicy policy = resolve_policy({}, with_metadata(group_of("a\nb\xff")), two_nodes);
    EXPECT_EQ(policy.problems, Problems{"metadata: group: is no name of a group"});
}

TEST(GuestPolicy, MetadataCannotGoBeyondTheCeiling) {
    HostPolicy host;
    host.ceiling_mode = Mode::advise;
    host.ceiling_memory = MemoryPolicy::lazy;
    host.ceiling_priority = 10;
    host.ceiling_nodes = Numbers{0};
    PolicyOverrides words{Mode::act,    std::nullopt,        two_nodes,
                          std::nullopt, MemoryPolicy::eager, 50};
    const GuestPolicy policy = resolve_policy(host, with_metadata(words), two_nodes);
    EXPECT_EQ(policy.mode, Mode::advise);
    EXPECT_EQ(policy.memory, MemoryPolicy::lazy);
    EXPECT_EQ(policy.priority, 10);
    EXPECT_EQ(policy.nodes, Numbers{0});
    EXPECT_EQ(policy.problems, (Problems{"metadata: mode: act is beyond the ceiling (advise)",
                                         "metadata: memory: eager is beyond the ceiling (lazy)",
                                         "metadata: priority: 50 is beyond the ceiling (10)",
                                         "metadata: nodes: 1 is beyond the ceiling"}));
}

TEST(GuestPolicy, AGroupBeyondTheCeilingIsAsIfItHadNotBeenSaid) {
    HostPolicy host;
    host.groups["open"].members.priority = 1;
    host.groups["reserved"].members.priority = 2;
    host.ceiling_groups = {"open"};
    PolicySources guest = with_metadata(group_of("reserved"));
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).group, "");
    host.guests[guest.name] = group_of("open");
    const GuestPolicy policy = resolve_policy(host, guest, two_nodes);
    EXPECT_EQ(policy.group, "open");
    EXPECT_EQ(policy.priority, 1);
    EXPECT_EQ(policy.problems, Problems{"metadata: group: \"reserved\" is beyond the ceiling"});
}

TEST(GuestPolicy, WhatMetadataSaysBeyondTheCeilingIsAProblemEvenIfItIsNotInForce) {
    HostPolicy host;
    host.ceiling_mode = Mode::advise;
    PolicySources guest = with_metadata(mode_of(Mode::act));
    guest.run_time = mode_of(Mode::observe);
    const GuestPolicy policy = resolve_policy(host, guest, two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems.size(), 1U);
}

TEST(GuestPolicy, TheCeilingHoldsForEverySource) {
    HostPolicy host;
    host.ceiling_mode = Mode::observe;
    PolicySources guest = make_guest();
    guest.run_time = mode_of(Mode::act);
    const GuestPolicy policy = resolve_policy(host, guest, two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems, Problems{"run time: mode: act is beyond the ceiling (observe)"});
}

TEST(GuestPolicy, TheCeilingCutsBuiltInValuesWithoutAWord) {
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

TEST(GuestPolicy, NodesThatTheHostLacksAreDropped) {
    const GuestPolicy policy = resolve_policy({}, with_metadata(nodes_of({6, 1, 5})), two_nodes);
    EXPECT_EQ(policy.nodes, Numbers{1});
    EXPECT_EQ(policy.mode, Mode::act);
    EXPECT_EQ(policy.problems, Problems{"metadata: nodes: 5, 6 are no nodes of this host"});
}

TEST(GuestPolicy, WithoutAnyNodeLeftTheGuestIsOnlyObserved) {
    const GuestPolicy policy = resolve_policy({}, with_metadata(nodes_of({5})), two_nodes);
    EXPECT_EQ(policy.nodes, Numbers{});
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems,
              (Problems{"metadata: nodes: 5 is no node of this host",
                        "metadata: nodes: none is left, so the guest is not touched"}));
}

TEST(GuestPolicy, NoNodeLeftDoesNotSwitchAGuestOn) {
    PolicyOverrides words = nodes_of({5});
    words.mode = Mode::off;
    EXPECT_EQ(resolve_policy({}, with_metadata(words), two_nodes).mode, Mode::off);
}

TEST(GuestPolicy, NodesThatAreNotInForceTakeNothingAway) {
    HostPolicy host;
    host.defaults = nodes_of({5});
    const GuestPolicy policy = resolve_policy(host, with_metadata(nodes_of({1})), two_nodes);
    EXPECT_EQ(policy.nodes, Numbers{1});
    EXPECT_EQ(policy.mode, Mode::act);
    EXPECT_EQ(policy.problems, Problems{"policy: nodes: 5 is no node of this host"});
}

TEST(GuestPolicy, ACeilingThatLeavesNoNodeLeavesGuestsUntouched) {
    HostPolicy host;
    host.ceiling_nodes = Numbers{5};
    const GuestPolicy policy = resolve_policy(host, make_guest(), two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems,
              Problems{"ceiling: nodes: none is left, so the guest is not touched"});
}

TEST(GuestPolicy, AListOfManyNodesMakesAShortProblem) {
    Numbers many;
    for (int node = 0; node < 1000; ++node)
        many.push_back(node);
    const GuestPolicy policy = resolve_policy({}, with_metadata(nodes_of(many)), two_nodes);
    ASSERT_EQ(policy.problems.size(), 1U);
    EXPECT_LT(policy.problems[0].size(), 100U) << policy.problems[0];
}

TEST(GuestPolicy, AHomeOfOneNodeIsOneForAllCells) {
    EXPECT_EQ(resolve_policy({}, with_metadata(home_of({1}), 3), two_nodes).home,
              (Numbers{1, 1, 1}));
    EXPECT_EQ(resolve_policy({}, with_metadata(home_of({1, 0}), 2), two_nodes).home,
              (Numbers{1, 0}))
        << "of each cell, in their order";
}

TEST(GuestPolicy, AHomeThatCannotBeIsNotUsed) {
    const auto problems_of = [](const PolicySources& guest) {
        const GuestPolicy policy = resolve_policy({}, guest, two_nodes);
        EXPECT_EQ(policy.home, Numbers{});
        EXPECT_EQ(policy.mode, Mode::act);
        return policy.problems;
    };
    EXPECT_EQ(problems_of(with_metadata(home_of({5}))),
              Problems{"metadata: home: 5 is no node of this host"});
    EXPECT_EQ(problems_of(with_metadata(home_of({0, 1}), 3)),
              Problems{"metadata: home: is of 2 cells, and the guest has 3"});
    PolicyOverrides elsewhere = home_of({1});
    elsewhere.nodes = Numbers{0};
    EXPECT_EQ(problems_of(with_metadata(elsewhere)),
              Problems{"metadata: home: 1 is not among the guest's nodes"});
}

TEST(GuestPolicy, AHomeBeyondTheCeilingIsNotUsed) {
    HostPolicy host;
    host.ceiling_nodes = Numbers{0};
    const GuestPolicy policy = resolve_policy(host, with_metadata(home_of({1})), two_nodes);
    EXPECT_EQ(policy.home, Numbers{});
    EXPECT_EQ(policy.problems, Problems{"metadata: home: 1 is beyond the ceiling"});
}

TEST(GuestPolicy, InPlaceOfAHomeThatCannotBeTheOneBelowIsUsed) {
    HostPolicy host;
    host.guests["web"] = home_of({0});
    const GuestPolicy policy = resolve_policy(host, with_metadata(home_of({5})), two_nodes);
    EXPECT_EQ(policy.home, Numbers{0});
    EXPECT_EQ(policy.problems.size(), 1U);
}

TEST(GuestPolicy, APriorityOutOfItsRangeIsCut) {
    PolicySources guest = make_guest();
    guest.run_time = priority_of(1000);
    const GuestPolicy policy = resolve_policy({}, guest, two_nodes);
    EXPECT_EQ(policy.priority, most_priority);
    EXPECT_EQ(policy.problems, Problems{"run time: priority: 1000 is not from -100 to 100"});
}

TEST(GuestPolicy, MetadataThatCouldNotBeReadRaisesNoMode) {
    PolicySources guest = with_metadata(mode_of(Mode::act));
    guest.metadata_problems = {"metadata: colour: is not known"};
    GuestPolicy policy = resolve_policy({}, guest, two_nodes);
    EXPECT_EQ(policy.mode, Mode::observe);
    EXPECT_EQ(policy.problems, guest.metadata_problems);
    HostPolicy host;
    host.guests["web"] = mode_of(Mode::off);
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).mode, Mode::off);
    guest.run_time = mode_of(Mode::advise);
    EXPECT_EQ(resolve_policy(host, guest, two_nodes).mode, Mode::advise)
        << "what is said at run time is said in the knowledge of it";
}

TEST(GuestPolicy, GroupsHavePlainNames) {
    EXPECT_TRUE(is_group_name("db-1_a.B"));
    for (const char* name : {"", "a b", "a\"", "\xc3\xa4", "a/b"})
        EXPECT_FALSE(is_group_name(name)) << name;
    EXPECT_TRUE(is_group_name(std::string(max_group_name, 'a')));
    EXPECT_FALSE(is_group_name(std::string(max_group_name + 1, 'a')));
}

TEST(GuestPolicy, WordsAreFoundByTheirName) {
    for (const auto& [mode, word] : modes) {
        EXPECT_EQ(find_word(modes, word), mode);
        EXPECT_STREQ(name(mode), word);
    }
    for (const auto& [policy, word] : memory_policies)
        EXPECT_STREQ(name(policy), word);
    for (const auto& [arrangement, word] : arrangements)
        EXPECT_STREQ(name(arrangement), word);
    EXPECT_EQ(find_word(modes, "Act"), std::nullopt);
    EXPECT_EQ(find_word(modes, ""), std::nullopt);
}

}  // namespace
}  // namespace vnuma
