// The loop beside rivals that come and go.
#include "tests/src/loop.hpp"

namespace vnuma {
namespace {

using namespace test;

class CoexistTest : public Loop {
  protected:
    CoexistTest() {
        config.planner.pace = 16 * mib;  // so that a move lasts for many ticks
        host->guests["a"] = make_guest("alpha", 2, 400 * mib, 0);
        for (std::size_t i = 0; i < 150; ++i)
            host->guests["a"].cells[0].chunk_nodes[i] = 1;
        all_cpus = host->affinity_of("a", 0);
    }

    bool is_pinned() { return host->affinity_of("a", 0) != all_cpus; }
    bool runs_move() {
        const Tick& tick = run(1);
        return std::any_of(tick.results.begin(), tick.results.end(), [](const auto& result) {
            return std::holds_alternative<MoveMemory>(result.action) && result.bytes > 0;
        });
    }
    const GuestPolicy& policy() const { return ticks.back().snapshot.guests.at(0).policy; }

    std::vector<int> all_cpus;
};

TEST_F(CoexistTest, ARivalThatIsRefusedStopsAllActionsFromItsTickOnUntilItIsGone) {
    ASSERT_TRUE(reaches(Reason::settling, "a"));
    ASSERT_TRUE(is_pinned());
    ASSERT_TRUE(runs_move());
    host->rivals.daemons = {{"numad", 812}};
    const std::size_t moves = host->move_calls;
    run(1);
    EXPECT_FALSE(is_pinned()) << "its CPUs are given back";
    const std::size_t pins = host->affinity_calls;
    run(5);
    EXPECT_EQ(host->move_calls, moves);
    EXPECT_EQ(host->affinity_calls, pins);
    ASSERT_EQ(ticks.back().rivals.size(), 1U);
    EXPECT_EQ(ticks.back().rivals[0].name, "numad");
    EXPECT_EQ(policy().problems,
              std::vector<std::string>{
                  "coexist.numad: mode: numad runs as process 812, limited to observe"});
    EXPECT_FALSE(host->last_request.hints.at("a").may_disturb);
    host->rivals = {};
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_TRUE(is_pinned());
    EXPECT_EQ(policy().problems, std::vector<std::string>());
}

TEST_F(CoexistTest, VcpusArePinnedAndMemoryStaysWhereARivalThatMovesItIsYieldedTo) {
    config.coexist.numa_balancing = Handling::yield;
    host->rivals.numa_balancing = 1;
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_TRUE(is_pinned());
    EXPECT_EQ(host->move_calls, 0U);
    EXPECT_EQ(policy().problems,
              std::vector<std::string>{"coexist.numa_balancing: memory: the kernel's NUMA "
                                       "balancing is on (kernel.numa_balancing = 1), limited to "
                                       "none"});
}

TEST_F(CoexistTest, GuestsInPodsAreLeftToKubernetesAndOthersAreActedOn) {
    host->guests["b"] = make_guest("beta", 2, 200 * mib, 1);
    host->rivals.static_cpus = true;
    host->rivals.in_pods = {"a"};
    ASSERT_TRUE(reaches(Reason::settled, "b"));
    run(3);
    EXPECT_FALSE(is_pinned());
    EXPECT_EQ(host->move_calls, 0U);
    EXPECT_EQ(policy().mode, Mode::observe);
}

TEST_F(CoexistTest, ARivalThatSharesIsToldAndChangesNothing) {
    host->rivals.ksm_across_nodes = true;
    host->rivals.numa_balancing = 1;
    host->rivals.daemons = {{"irqbalance", 7}, {"tuned", 8}};
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(ticks.back().rivals.size(), 4U);
    EXPECT_EQ(policy().problems, std::vector<std::string>());
}

}  // namespace
}  // namespace vnuma
