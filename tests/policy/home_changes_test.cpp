// When cells change their homes, and when they keep them.
#include <gtest/gtest.h>

#include "policy/learn.hpp"
#include "policy/planner.hpp"
#include "policy/verdict/explain.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

TEST(HomeChanges, ASmallGainIsNotAReasonToMove) {
    const Snapshot host = make_snapshot(make_topology(2, 8, 64 * gib),
                                        {make_guest("a", 2, 1000, {gib, gib + 64 * mib})});
    const Plan made = plan(host, history_with(host, NodeIndex(0), -1'000'000), settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(0));
}

TEST(HomeChanges, DuringTheCoolDownTheVerdictNamesTheBetterNode) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib),
                      {make_guest("a", 4, 2000, {gib, 0}), make_guest("b", 4, 2000, {gib, 0})});
    for (GuestState& guest : host.guests)
        guest.cells[0].confined_to = NodeIndex(0);
    const Plan early = plan(host, history_with(host, NodeIndex(0), -1000), settings);
    EXPECT_EQ(home_of(early, "a"), home_of(early, "b"));
    EXPECT_EQ(verdict_of(early, "a").alternative.value().lack, Lack::cool_down);
    EXPECT_EQ(verdict_of(early, "a").alternative.value().node, NodeIndex(1));
    const Plan later = plan(host, history_with(host, NodeIndex(0), -1'000'000), settings);
    EXPECT_NE(home_of(later, "a"), home_of(later, "b"));
}

TEST(HomeChanges, AFailureDoublesTheCoolDown) {
    const Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib),
                      {make_guest("a", 4, 2000, {gib, 0}), make_guest("b", 4, 2000, {gib, 0})});
    History history = history_with(host, NodeIndex(0), -settings.cool_down - 1);
    EXPECT_NE(home_of(plan(host, history, settings), "a"),
              home_of(plan(host, history, settings), "b"));
    for (auto& [key, cell] : history.cells)
        cell.failures = 1;
    EXPECT_EQ(home_of(plan(host, history, settings), "a"),
              home_of(plan(host, history, settings), "b"));
}

TEST(HomeChanges, AfterTooManyInAnHourTheVerdictSaysWhenTheNextOneMayBe) {
    Snapshot host = make_snapshot(
        make_topology(2, 4, 64 * gib),
        {make_guest("a", 4, 2000, {gib, 0}), make_guest("b", 4, 2000, {gib, 0})}, 4'000'000);
    History history = history_with(host, NodeIndex(0), 0);
    for (const char* uuid : {"uuid-a", "uuid-b"})
        for (int i = 0; i < settings.changes_per_hour; ++i)
            history.changes[uuid].push_back(1'000'000 + 100'000 * i);
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), home_of(made, "b"));
    EXPECT_EQ(verdict_of(made, "a").alternative.value().lack, Lack::changes);
    EXPECT_EQ(verdict_of(made, "a").wait, 600'000);
    host.now += 600'000;
    EXPECT_NE(home_of(plan(host, history, settings), "a"),
              home_of(plan(host, history, settings), "b"));
}

TEST(HomeChanges, TwoGuestsExchangeTheirHomesWithoutRoomForBothOnOneNode) {
    // The memory of each guest is at the home of the other.
    const Snapshot host = make_snapshot(
        make_topology(2, 4, 10 * gib),
        {make_guest("a", 4, 3500, {gib, 5 * gib}), make_guest("b", 4, 3500, {5 * gib, gib})});
    History history;
    history.cells[{"uuid-a", 0}] = {NodeIndex(0), -1'000'000, 0};
    history.cells[{"uuid-b", 0}] = {NodeIndex(1), -1'000'000, 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::better_home);
}

TEST(HomeChanges, FailedActionsAreRetriedLaterAndLater) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 500, {gib, gib})});
    History history;
    int tried = 0;
    for (int tick = 0; tick < 300; ++tick) {
        host.now += 2000;
        const Plan made = plan(host, history, settings);
        std::vector<ActionResult> results;
        for (const Action& action : made.actions)
            results.push_back({action, 0, "refused"});
        tried += !results.empty();
        if (results.empty()) {
            EXPECT_EQ(verdict_of(made, "a").reason, Reason::retry_later);
        }
        history = learn(history, host, made, results);
    }
    EXPECT_GE(tried, 3);
    EXPECT_LE(tried, 8);
}

TEST(HomeChanges, AHomeThatIsNoLongerAllowedIsLeftAtOnce) {
    Snapshot host =
        make_snapshot(make_topology(2, 4, 64 * gib), {make_guest("a", 2, 500, {gib, 0})});
    host.guests[0].cells[0].allowed = NodeSet();
    host.guests[0].cells[0].allowed.insert(NodeIndex(1));
    History history = history_with(host, NodeIndex(0), 0);
    history.cells.begin()->second.retry_at = 1000;  // of the former home
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(verdict_of(made, "a").reason, Reason::displaced);
    EXPECT_FALSE(made.actions.empty());
    EXPECT_EQ(learn(history, host, made, {}).cells.begin()->second.retry_at, 0);
}

// Three busy guests whose memory cannot be moved, and is at the home of the next one. A node has
// the CPUs for one of them. No two of them can exchange their homes, only all three.
class Rotation : public ::testing::Test {
  protected:
    Rotation() {
        for (std::size_t g = 0; g < 3; ++g) {
            const std::size_t next = (g + 1) % 3;
            std::vector<Bytes> residency(3);
            residency[next] = gib;
            GuestState guest = make_guest(std::string(1, static_cast<char>('a' + g)), 2, use,
                                          std::move(residency));
            guest.cells[0].movable = false;
            guest.cells[0].allowed = NodeSet::only(NodeIndex(g)) | NodeSet::only(NodeIndex(next));
            history.cells[guest.cells[0].key] = {NodeIndex(g), 0};
            guests.push_back(std::move(guest));
        }
    }
    Snapshot host() const { return make_snapshot(make_topology(3, 2, 4 * gib), guests, now); }
    bool all_stay(const Plan& made) const {
        return home_of(made, "a") == NodeIndex(0) && home_of(made, "b") == NodeIndex(1) &&
               home_of(made, "c") == NodeIndex(2);
    }

    static constexpr MilliCpu use = 1900;
    static constexpr Millis now = 10 * 60 * 1000;  // the cool-down is over
    std::vector<GuestState> guests;
    History history;
};

TEST_F(Rotation, ThreeGuestsThatGainOnlyTogetherChangeTheirHomesTogether) {
    const Plan made = plan(host(), history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1));
    EXPECT_EQ(home_of(made, "b"), NodeIndex(2));
    EXPECT_EQ(home_of(made, "c"), NodeIndex(0));
    EXPECT_EQ(verdict_of(made, "b").reason, Reason::better_home);
}

TEST_F(Rotation, NoHomeChangesDuringTheCoolDownOfOneGuest) {
    history.cells[{"uuid-b", 0}].home_since = now - 1000;
    EXPECT_TRUE(all_stay(plan(host(), history, settings)));
}

TEST_F(Rotation, TheChangesMustGainTheMarginTogether) {
    // No guest can keep its home by itself: two would share the CPUs of a node.
    const auto with_share_at_next = [&](Bytes percent) {
        for (std::size_t g = 0; g < 3; ++g) {
            std::vector<Bytes>& residency = guests[g].cells[0].residency;
            residency[(g + 1) % 3] = gib / 100 * percent;
            residency[g] = gib / 100 * (100 - percent);
        }
        return plan(host(), history, settings);
    };
    EXPECT_TRUE(all_stay(with_share_at_next(52)));
    EXPECT_FALSE(all_stay(with_share_at_next(75)));
}

// One large and two small cells can only change places all at once, which balances the load.
TEST(HomeChanges, OneCellMakesRoomForSeveralAndTheyForIt) {
    GuestState fixed = make_guest("d", 1, 1300, {gib, 0});
    fixed.cells[0].allowed = NodeSet::only(NodeIndex(0));
    Snapshot host =
        make_snapshot(make_topology(2, 2, 40 * gib),
                      {make_guest("a", 2, 1300, {8 * gib, 0}), make_guest("b", 1, 50, {0, 4 * gib}),
                       make_guest("c", 1, 50, {0, 4 * gib}), fixed},
                      10 * 60 * 1000);
    for (GuestState& guest : host.guests)
        guest.policy.memory = MemoryPolicy::eager;
    HostNode& full = host.topology.nodes[1];
    full.memory_total = 8 * gib * 1000 / (1000 - settings.watermark) + 200 * mib;
    full.memory_available = full.memory_total - 8 * gib;
    History history;
    for (const GuestState& guest : host.guests)
        history.cells[guest.cells[0].key] = {
            guest.name == "b" || guest.name == "c" ? NodeIndex(1) : NodeIndex(0), 0};
    const Plan made = plan(host, history, settings);
    EXPECT_EQ(home_of(made, "a"), NodeIndex(1)) << explain(verdict_of(made, "a"), host.topology);
    EXPECT_EQ(home_of(made, "b"), NodeIndex(0));
    EXPECT_EQ(home_of(made, "c"), NodeIndex(0));
}

}  // namespace
}  // namespace vnuma
