#include "policy/learn.hpp"

#include <gtest/gtest.h>

#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

TEST(Learn, ForgetsCellsThatNoLongerExistAndKeepsHomesOfUnsteadyGuests) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib),
                      {make_guest("a", 2, 500, {gib, 0}), make_guest("b", 2, 500, {gib, 0})});
    const Plan first = plan(host, {}, settings);
    History history = learn({}, host, first, {});
    ASSERT_EQ(history.cells.size(), 2U);
    host.guests[0].unsteady = "it is paused";
    host.guests.pop_back();
    history = learn(history, host, plan(host, history, settings), {});
    ASSERT_EQ(history.cells.size(), 1U);
    EXPECT_EQ(history.cells.begin()->second.home, home_of(first, "a"));
}

TEST(Learn, KeepsTheShardsOfAnUnsteadyGuestWhateverTheNumberOfItsCell) {
    GuestState guest = make_wide_guest("w", {0, 0, 1, 1}, 2);
    guest.cells[0].key.cell = 3;
    guest.unsteady = "it is paused";
    const Snapshot host = make_snapshot(make_topology(2, 2, 64 * gib), {guest});
    History history;
    history.shards["uuid-w"].partition = {{0, 1}, {2, 3}};
    history.cells[{"uuid-w", 3, 0}] = {NodeIndex(0), 0};
    history.cells[{"uuid-w", 3, 1}] = {NodeIndex(1), 0};
    const History after = learn(history, host, plan(host, history, settings), {});
    EXPECT_EQ(after.shards, history.shards);
    EXPECT_EQ(after.cells, history.cells);
}

TEST(Learn, AMoveThatStoppedOnItsWayHasNotFailed) {
    const Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 500, {gib, gib})});
    const Plan made = plan(host, {}, settings);
    const auto failures = [&](Bytes bytes) {
        std::vector<ActionResult> results;
        for (const Action& action : made.actions)
            results.push_back({action, bytes, "the node is at its watermark"});
        return learn({}, host, made, results).cells.begin()->second.failures;
    };
    EXPECT_EQ(failures(0), 1);
    EXPECT_EQ(failures(100 * mib), 0);
}

TEST(Learn, RemembersForAnHourWhenHomesOfAGuestChanged) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 500, {gib, gib})});
    GuestState& guest = host.guests[0];
    guest.cells.push_back(guest.cells[0]);
    guest.cells[1].key.cell = 1;
    const auto go_to = [&](History history, std::size_t node) {
        Plan made;
        for (const CellState& cell : guest.cells) {
            made.verdicts.push_back({cell.key});
            made.verdicts.back().home = Home{NodeIndex(node)};
        }
        return learn(std::move(history), host, made, {});
    };
    History history = go_to({}, 0);
    EXPECT_TRUE(history.changes.empty()) << "a first home is no change";
    for (const Millis time : {1000, 2000, 3000}) {
        host.now = time;
        history = go_to(history, time % 2000 / 1000);
    }
    using Times = std::vector<Millis>;
    EXPECT_EQ(history.changes.at("uuid-a"), (Times{1000, 2000, 3000})) << "both cells are one";
    host.now = 2000 + changes_window;
    history = go_to(history, 1);
    EXPECT_EQ(history.changes.at("uuid-a"), Times{3000});
    for (int i = 0; i < 100; ++i) {
        ++host.now;
        history = go_to(history, static_cast<std::size_t>(i % 2));
    }
    EXPECT_EQ(history.changes.at("uuid-a").size(), std::size_t{max_changes_per_hour});
    host.now += changes_window;
    EXPECT_TRUE(go_to(history, 1).changes.empty());
}

TEST(Learn, CountsFailuresUntilTheCellIsSettled) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 500, {gib, gib})});
    const Plan made = plan(host, {}, settings);
    History history;
    for (int i = 0; i < max_counted_failures + 3; ++i)
        history = learn(history, host, made, {{made.actions[0], 0, "refused"}});
    EXPECT_EQ(history.cells.begin()->second.failures, max_counted_failures);
    history = learn(history, host, made, {{made.actions[0], 0, ""}});
    EXPECT_EQ(history.cells.begin()->second.retry_at, 0) << "one action succeeded";
    EXPECT_EQ(history.cells.begin()->second.failures, max_counted_failures);
    host = simulate(host, made);
    history = learn(history, host, plan(host, history, settings), {});
    EXPECT_EQ(history.cells.begin()->second.failures, 0);
}

}  // namespace
}  // namespace vnuma
