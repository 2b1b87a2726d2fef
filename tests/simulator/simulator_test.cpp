// The simulator itself, on traces whose figures are known.
#include <gtest/gtest.h>

#include "tests/simulator/baselines.hpp"
#include "tests/simulator/numad.hpp"
#include "tests/simulator/pinned_by_hand.hpp"
#include "tests/simulator/planned.hpp"
#include "tests/simulator/simulation.hpp"
#include "tests/simulator/trace_maker.hpp"
#include "tests/simulator/traces.hpp"

namespace vnuma::simulator {
namespace {

// Steady guests on two nodes of four CPUs each, without noise.
class SmallHost : public ::testing::Test {
  protected:
    SmallHost() {
        maker.trace().length = 5 * minute;
        maker.trace().jitter = maker.trace().measurement_noise = 0;
        for (HostNode& node : maker.trace().topology.nodes)
            node.other_use = 0;
    }

    void add(int vcpus, MilliCpu work, Bytes size = 8 * gib) {
        GuestTrace& guest = maker.add(1, vcpus, size);
        guest.arrives = 0;
        guest.phases[0].cells[0].work = work;
    }

    TraceMaker maker{"", 1, 2, 4, 32 * gib};
};

TEST_F(SmallHost, HalfOfTheAccessesAreRemoteForAGuestThatRunsEverywhere) {
    add(4, 1000);
    NoBalancing unbalanced;
    const Figures figures = play(maker.trace(), unbalanced);
    EXPECT_NEAR(remote_share(figures), 0.5, 0.01);
    EXPECT_EQ(figures.moved, 0);
}

TEST_F(SmallHost, TheSameWorkTakesLongerWithRemoteAccesses) {
    add(4, 1000);
    NoBalancing unbalanced;
    FirstFit pinned;
    const Figures everywhere = play(maker.trace(), unbalanced), local = play(maker.trace(), pinned);
    EXPECT_EQ(local.remote, 0);
    // Half of the accesses are remote, and half of the time is spent on accesses, which take 1.1
    // times longer.
    EXPECT_NEAR(double(everywhere.run) / double(local.run), 1.275, 0.01);
}

TEST_F(SmallHost, ContentionIsDemandAboveTheCapacityOfANode) {
    add(4, 3000);
    add(4, 3000);
    class OnOneNode : public Balancer {
        const char* name() const override { return "on one node"; }
        std::vector<Order> place(const Snapshot&, const std::vector<GuestState>& guests) override {
            std::vector<Order> orders;
            for (const GuestState& guest : guests)
                orders.push_back({guest.cells[0].key, NodeSet::first(1)});
            return orders;
        }
    } on_one_node;
    const Figures figures = play(maker.trace(), on_one_node);
    EXPECT_EQ(figures.contention, 2000 * maker.trace().length);
    EXPECT_EQ(figures.run, 4000 * maker.trace().length);
}

TEST_F(SmallHost, MemoryIsMovedAtThePaceAndNoFaster) {
    add(4, 1000);
    PlannerSettings settings;
    settings.pace = 64 * mib;
    Planned planner(settings);
    Simulation simulation(maker.trace(), planner);
    Bytes before = 0;
    while (simulation.step()) {
        EXPECT_LE(simulation.figures().moved - before, 128 * mib);
        before = simulation.figures().moved;
    }
    const CellState& cell = simulation.seen().guests[0].cells[0];
    ASSERT_TRUE(cell.confined_to);
    EXPECT_GE(locality(cell, *cell.confined_to), 950) << "memory that is hardly used may stay";
}

TEST_F(SmallHost, NumadBindsAGuestToOneNodeAndMovesAllItsMemory) {
    add(4, 1000);
    Numad numad;
    Simulation simulation(maker.trace(), numad);
    while (simulation.step()) {
    }
    const CellState& cell = simulation.seen().guests[0].cells[0];
    ASSERT_TRUE(cell.confined_to);
    EXPECT_GE(locality(cell, *cell.confined_to), 900);
    EXPECT_EQ(simulation.figures().home_changes, 0);
}

TEST_F(SmallHost, MemoryIsAllocatedOnOtherNodesOnceANodeIsFull) {
    add(4, 1000, 40 * gib);
    FirstFit first_fit;
    Simulation simulation(maker.trace(), first_fit);
    while (simulation.step()) {
    }
    EXPECT_FALSE(simulation.seen().guests[0].cells[0].confined_to) << "no node could hold it";
    EXPECT_GE(total_bytes(simulation.seen().guests[0].cells[0]), 20 * gib);
    for (const HostNode& node : simulation.seen().topology.nodes)
        EXPECT_GE(node.memory_available, node.memory_total / 1000 * reserve);
}

TEST(Simulator, TheSameTraceGivesTheSameFigures) {
    const Trace trace = phases(7);
    Planned first, second;
    EXPECT_EQ(play(trace, first), play(trace, second));
}

TEST(Simulator, TheSumOfUsedAndAvailableMemoryNeverChanges) {
    Trace trace = arrivals_and_departures(3);
    trace.failure_rate = 100;
    Planned planner;
    Simulation simulation(trace, planner);
    while (simulation.step()) {
        const Snapshot& seen = simulation.seen();
        for (std::size_t n = 0; n < seen.topology.nodes.size(); ++n) {
            Bytes used = 0;
            for (const GuestState& guest : seen.guests)
                for (const CellState& cell : guest.cells)
                    used += cell.residency[n];
            ASSERT_EQ(used + seen.topology.nodes[n].memory_available,
                      trace.topology.nodes[n].memory_available);
        }
    }
}

// A guest with one vCPU for each hardware thread of a node, all of them busy, and a few others.
Trace wider_than_the_cores(unsigned seed) {
    TraceMaker maker("wider than the cores", seed, 2, 32, 128 * gib);
    for (HostNode& node : maker.trace().topology.nodes)
        node.cpu_capacity = 19'200;
    maker.set_load(maker.add(1, 32, 32 * gib), 900, 980);
    for (int g = 0; g < 2; ++g)
        maker.set_load(maker.add_ordinary(), 100, 900);
    return maker.trace();
}

struct Contention {
    CpuTime run = 0;         // of all guests
    CpuTime all = 0;         // in the whole trace
    CpuTime at_the_end = 0;  // in its last minute
};

Contention contention_under(Balancer& balancer, const Trace& trace) {
    Simulation simulation(trace, balancer);
    CpuTime before = 0;
    while (simulation.step())
        if (simulation.seen().now < trace.length - Millis{60'000})
            before = simulation.figures().contention;
    const Figures& figures = simulation.figures();
    return {figures.run, figures.contention, figures.contention - before};
}

// Contention without balancing is what no placement could avoid, and what remote accesses add.
TEST(Simulator, NoTraceEndsWithMoreContentionUnderVnumadThanWithoutBalancing) {
    for (unsigned seed = 1; seed <= 2; ++seed) {
        std::vector<Trace> traces = make_traces(seed);
        traces.push_back(wider_than_the_cores(seed));
        for (const Trace& trace : traces) {
            NoBalancing unbalanced;
            Planned planner;
            const Contention without = contention_under(unbalanced, trace),
                             with = contention_under(planner, trace);
            EXPECT_LE(with.at_the_end, without.at_the_end) << trace.name << ", seed " << seed;
            // On the way, a load that changes is noticed in the next tick, and a cell that has just
            // moved stays for the cool-down. Without balancing, the perfect scheduler of the
            // simulator needs no time.
            EXPECT_LE(with.all, without.all + without.run / 2000)
                << trace.name << ", seed " << seed;
        }
    }
}

TEST(Simulator, PinsByHandBalanceTheFutureLoad) {
    // Two guests that will be busy come before two that will be idle.
    TraceMaker maker("", 1, 2, 8, 96 * gib);
    for (const MilliCpu work : {7000, 7000, 100, 100}) {
        GuestTrace& guest = maker.add(1, 8, 4 * gib);
        guest.arrives = 0;
        guest.phases[0].cells[0].work = work;
    }
    PinnedByHand pinned(maker.trace());
    const Figures figures = play(maker.trace(), pinned);
    EXPECT_EQ(figures.contention, 0);
    EXPECT_EQ(figures.remote, 0);
}

}  // namespace
}  // namespace vnuma::simulator
