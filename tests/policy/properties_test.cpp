// Properties of plans, over many random hosts.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/policy/hosts.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

// Stability must come from the margin, not from cells that may not move.
const PlannerSettings restless = [] {
    PlannerSettings without;
    without.cool_down = 0;
    return without;
}();

class PlannerProperty : public ::testing::TestWithParam<unsigned> {
  protected:
    std::mt19937 random{GetParam()};
    Snapshot host = random_snapshot(random);
};

TEST_P(PlannerProperty, APlanCarriedOutLeavesNothingToDo) {
    Snapshot now = host;
    History history;
    const Plan first = plan(now, history, restless);
    history = learn(history, now, first, {});
    now = simulate(now, first);
    now.now += 1000;
    const Plan second = plan(now, history, restless);
    EXPECT_TRUE(second.actions.empty());
    for (const Verdict& verdict : second.verdicts)
        EXPECT_TRUE(verdict.reason != Reason::first_home && verdict.reason != Reason::better_home);
}

TEST_P(PlannerProperty, TheOrderOfGuestsIsIrrelevant) {
    Snapshot shuffled = host;
    std::shuffle(shuffled.guests.begin(), shuffled.guests.end(), random);
    const Plan a = plan(host, {}, settings), b = plan(shuffled, {}, settings);
    ASSERT_EQ(a.verdicts.size(), b.verdicts.size());
    for (std::size_t i = 0; i < a.verdicts.size(); ++i) {
        EXPECT_EQ(a.verdicts[i].key, b.verdicts[i].key);
        EXPECT_EQ(a.verdicts[i].home, b.verdicts[i].home);
    }
}

TEST_P(PlannerProperty, HomesAreAllowedAndNodesStayBelowTheirWatermark) {
    for (GuestState& guest : host.guests) {
        NodeSet allowed;
        for (std::size_t n = 0; n < host.topology.nodes.size(); ++n)
            if (random() % 2) allowed.insert(NodeIndex(n));
        guest.cells[0].allowed = allowed;
    }
    const Plan made = plan(host, {}, settings);
    for (const GuestState& guest : host.guests) {
        const auto home = verdict_of(made, guest.name).home;
        EXPECT_TRUE(!home || guest.cells[0].allowed.contains(*home));
    }
    for (const HostNode& node : simulate(host, made).topology.nodes)
        EXPECT_GE(node.memory_available, node.memory_total / 1000 * settings.watermark);
}

TEST_P(PlannerProperty, NoiseMovesNobodyToAndFro) {
    History history;
    Snapshot now = host;
    int changes = 0;
    for (int tick = 0; tick < 200; ++tick) {
        now.now += 2000;
        for (std::size_t g = 0; g < now.guests.size(); ++g) {
            const MilliCpu use = host.guests[g].cells[0].cpu_use;
            now.guests[g].cells[0].cpu_use =
                use * (95 + static_cast<MilliCpu>(random() % 11)) / 100;
        }
        const Plan made = plan(now, history, restless);
        for (const Verdict& verdict : made.verdicts)
            changes += verdict.reason == Reason::better_home;
        history = learn(history, now, made, {});
        now = simulate(now, made);
    }
    // One late correction of a first choice is fine; a guest that comes back is not.
    EXPECT_LE(changes, static_cast<int>(host.guests.size()));
}

INSTANTIATE_TEST_SUITE_P(Seeds, PlannerProperty, ::testing::Range(0U, 100U));

}  // namespace
}  // namespace vnuma
