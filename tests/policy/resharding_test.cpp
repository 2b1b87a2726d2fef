// Shards of guests without vNUMA over time: when they are kept, and when they are replaced.
#include <gtest/gtest.h>

#include "policy/learn.hpp"
#include "policy/units/split.hpp"
#include "policy/verdict/explain.hpp"
#include "tests/policy/wide_guests.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

TEST(WideGuest, KeepsItsShardsUnderNoise) {
    Snapshot host = host_with(make_wide_guest("w", {0, 1, 0, 1}, 2));
    History history;
    std::mt19937 random(5);
    int pins = 0;
    for (int tick = 0; tick < 500; ++tick) {
        host.now += 2000;
        for (auto& count : host.guests[0].wide->accesses)
            count =
                static_cast<std::uint32_t>(count / 2 + random() % 100) + (count > 500 ? 500 : 0);
        const Plan made = plan(host, history, settings);
        for (const Action& action : made.actions)
            pins += std::holds_alternative<PinCell>(action);
        history = learn(history, host, made, {});
        host = simulate(host, made);
    }
    EXPECT_EQ(pins, 2);
}

TEST(WideGuest, IsRepinnedOnceIfItsVcpusExchangeTheirMemory) {
    Snapshot host = host_with(make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2}));
    History history;
    int pins = 0;
    for (int tick = 0; tick < 60; ++tick) {
        host.now += 2000;
        if (tick == 30) {  // vCPUs 1 and 2 exchange their buffers
            const GuestState other = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 2, 0, 2});
            host.guests[0].wide->accesses = other.wide->accesses;
            host.guests[0].wide->own = other.wide->own;
        }
        const Plan made = plan(host, history, settings);
        for (const Action& action : made.actions)
            pins += tick >= 30 && std::holds_alternative<PinCell>(action);
        history = learn(history, host, made, {});
        host = simulate(host, made);
    }
    const auto homes = homes_of_vcpus(plan(host, history, settings), 4);
    EXPECT_EQ(homes[0], homes[2]);
    EXPECT_EQ(homes[1], homes[3]);
    EXPECT_LE(pins, 2) << "one pin for each shard";
}

TEST(WideGuest, WhoseVcpusExchangeTheirMemoryIsResplitBeforeItsShardsChangeTheirHomes) {
    GuestState guest = make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2});
    guest.wide->cpu_use.assign(4, 480);
    guest.cells[0].cpu_use = 4 * 480;
    PlannerSettings restless;
    restless.cool_down = 0;
    Snapshot host = host_with(guest);
    const Plan first = plan(host, {}, restless);
    History history = learn({}, host, first, {});
    host = simulate(host, first);
    // vCPUs 1 and 2 exchange their buffers. With the former partition both shards belong on one
    // node.
    const GuestState other = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 2, 0, 2});
    host.guests[0].wide->accesses = other.wide->accesses;
    host.guests[0].wide->own = other.wide->own;
    for (host.now = 1000; host.now < reshard_interval; host.now += 1000) {
        const Plan made = plan(host, history, restless);
        for (const Verdict& verdict : made.verdicts)
            ASSERT_FALSE(verdict.former_node()) << host.now;
        history = learn(history, host, made, {});
    }
    const Plan last = plan(host, history, restless);
    const auto homes = homes_of_vcpus(last, 4);
    EXPECT_EQ(homes[0], homes[2]);
    EXPECT_EQ(homes[1], homes[3]);
    EXPECT_NE(homes[0], homes[1]);
}

TEST(WideGuest, KeepsHomesUntilTheNextRepartitionCheck) {
    const GuestState guest = sharing_guest(4, 3, 450);
    PlannerSettings restless;
    restless.cool_down = 0;
    Snapshot host = host_with(guest, 3);
    History history = learn({}, host, plan(host, {}, restless), {});
    host = simulate(host, plan(host, {}, restless));
    const NodeIndex home = history.cells.at({"uuid-w", 0, 0}).home;
    host.topology.nodes[home].other_use = 1000;
    host.now = reshard_interval - 1000;
    const Verdict kept = verdict_of(plan(host, history, restless), "w", 0, 0);
    EXPECT_EQ(kept.home_node(), home);
    EXPECT_EQ(kept.alternative.value().lack, Lack::shards);
    EXPECT_EQ(kept.wait, 1000);
    EXPECT_NE(explain(kept, host.topology).find("other shards"), std::string::npos);
    host.now = reshard_interval;
    EXPECT_NE(verdict_of(plan(host, history, restless), "w", 0, 0).home_node(), home);
}

// Time of the last repartition check after these seconds on an unchanged host.
Millis last_check_after(const GuestState& guest, int seconds) {
    Snapshot host = host_with(guest);
    History history;
    for (int second = 0; second <= seconds; ++second) {
        const Plan made = plan(host, history, settings);
        history = learn(history, host, made, {});
        host = simulate(host, made);
        host.now += 1000;
    }
    return history.shards.at("uuid-w").since;
}

TEST(WideGuest, IsCheckedForABetterPartitionAtTheInterval) {
    EXPECT_EQ(last_check_after(sharing_guest(4, 2, 900), 9), 0);
    EXPECT_EQ(last_check_after(sharing_guest(4, 2, 900), 19), reshard_interval);
    EXPECT_EQ(last_check_after(sharing_guest(4, 2, 900), 20), 2 * reshard_interval);
}

TEST(WideGuest, ThatIsOnlyObservedFromNowOnIsUnpinned) {
    GuestState guest = make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2});
    guest.policy.mode = Mode::observe;
    guest.cells[0].pinned = true;
    guest.wide->confined_to = {NodeIndex(0), NodeIndex(1), {}, {}};  // both vCPUs of one shard
    const Plan made = plan(host_with(guest), {}, settings);
    ASSERT_EQ(made.actions.size(), 1U);
    EXPECT_EQ(std::get<UnpinCell>(made.actions[0]).vcpus, (std::vector<std::size_t>{0, 1}));
}

TEST(WideGuest, KeepsItsShardsAndHomesWhileTheAccessMatrixIsRebuilt) {
    Snapshot host = host_with(make_wide_guest("w", {0, 1, 0, 1}, 2));
    const Plan first = plan(host, {}, settings);
    History history = learn({}, host, first, {});
    const History before = history;
    host = simulate(host, first);
    host.guests[0].cells[0].pinned = true;
    host.guests[0].wide.reset();
    const Plan without_matrix = plan(host, history, settings);
    EXPECT_TRUE(without_matrix.actions.empty());
    EXPECT_EQ(verdict_of(without_matrix, "w").reason, Reason::unsteady);
    EXPECT_NE(explain(verdict_of(without_matrix, "w"), host.topology).find("measured again"),
              std::string::npos);
    history = learn(history, host, without_matrix, {});
    EXPECT_EQ(history.cells, before.cells);
    EXPECT_EQ(history.shards, before.shards);
}

TEST(WideGuest, ThatIsNoLongerActedOnDoesNotWaitForTheAccessMatrix) {
    Snapshot host = host_with(make_wide_guest("w", {0, 1, 0, 1}, 2));
    const History history = learn({}, host, plan(host, {}, settings), {});
    host.guests[0].cells[0].pinned = true;
    host.guests[0].wide.reset();
    GuestState& guest = host.guests[0];
    guest.policy.mode = Mode::observe;
    EXPECT_EQ(verdict_of(plan(host, history, settings), "w").reason, Reason::too_large);
    guest.policy.mode = Mode::act;
    guest.cells[0].allowed = NodeSet::only(NodeIndex(0));  // one shard has its home on node 1
    const Plan narrowed = plan(host, history, settings);
    EXPECT_EQ(verdict_of(narrowed, "w").reason, Reason::too_large);
    ASSERT_EQ(narrowed.actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<UnpinCell>(narrowed.actions[0]));
}

TEST(WideGuest, KeepsItsShardsAndHomesWhileItIsUnsteady) {
    Snapshot host = host_with(make_wide_guest("w", {0, 1, 0, 1}, 2));
    const Plan first = plan(host, {}, settings);
    History history = learn({}, host, first, {});
    const History before = history;
    host = simulate(host, first);
    host.guests[0].unsteady = "it is paused";
    history = learn(history, host, plan(host, history, settings), {});
    EXPECT_EQ(history.cells, before.cells);
    EXPECT_EQ(history.shards, before.shards);
}

TEST(WideGuest, WhoseVcpusKeepExchangingTheirMemoryIsResplitLessAndLessOften) {
    const GuestState one = make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2}),
                     other = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 2, 0, 2});
    Snapshot host = host_with(one);
    History history;
    int changes = 0;
    for (int second = 0; second < 3600; ++second) {
        host.now += 1000;
        const GuestState& now = second / 25 % 2 == 0 ? one : other;
        host.guests[0].wide->accesses = now.wide->accesses;
        const Plan made = plan(host, history, settings);
        const History before = history;
        history = learn(history, host, made, {});
        changes += before.shards.contains("uuid-w") &&
                   before.shards.at("uuid-w").partition != history.shards.at("uuid-w").partition;
        host = simulate(host, made);
    }
    EXPECT_GT(changes, 4);
    // The cool-down is 20, 40, 80, 160 s, and then 320 s.
    EXPECT_LE(changes, 4 + 3600 / 300 + 1);
}

TEST(WideGuest, WhosePartitionHasLastedIsResplitWithoutCoolDown) {
    Snapshot host = host_with(make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2}));
    const GuestState other = make_wide_guest("w", {0, 1, 0, 1}, 2, {0, 2, 0, 2});
    History history = learn({}, host, plan(host, {}, settings), {});
    ShardHistory& shards = history.shards.at("uuid-w");
    shards.changes = max_counted_changes;
    const Partition before = shards.partition;
    host.guests[0].wide->accesses = other.wide->accesses;
    const auto at = [&](Millis now) {
        host.now = now;
        return learn(history, host, plan(host, history, settings), {}).shards.at("uuid-w");
    };
    EXPECT_EQ(at(319'000).partition, before);
    EXPECT_EQ(at(319'000).changes, max_counted_changes);
    EXPECT_NE(at(320'000).partition, before);
    EXPECT_EQ(at(639'000).changes, max_counted_changes);
    EXPECT_EQ(at(640'000).changes, 1) << "the former changes no longer count";
}

TEST(WideGuest, WhoseShardsNoLongerFitIsResplitDuringTheCoolDown) {
    Snapshot host = host_with(make_wide_guest("w", {0, 0, 1, 1}, 2, {0, 0, 2, 2}));
    History history = learn({}, host, plan(host, {}, settings), {});
    ShardHistory& shards = history.shards.at("uuid-w");
    shards.changes = max_counted_changes;
    shards.partition = {{0, 1, 2}, {3}};  // a node has two CPUs
    host.now = 20'000;
    const History after = learn(history, host, plan(host, history, settings), {});
    for (const auto& shard : after.shards.at("uuid-w").partition)
        EXPECT_EQ(shard.size(), 2U);
}

}  // namespace
}  // namespace vnuma
