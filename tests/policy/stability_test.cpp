// Properties of the planner over time, on simulated hosts.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/repeats.hpp"
#include "tests/simulator/planned.hpp"
#include "tests/simulator/simulation.hpp"
#include "tests/simulator/trace_maker.hpp"

namespace vnuma {
namespace {

using namespace vnuma::simulator;

const unsigned hosts = test::cases(6, 20);
// Ticks until guests that all start at once have allocated their memory and it is at home.
constexpr int settling_ticks = 60;

const PlannerSettings settings;

// Without a cool-down, stability can only come from the margin.
const PlannerSettings restless = [] {
    PlannerSettings without;
    without.cool_down = 0;
    without.changes_per_hour = max_changes_per_hour;
    return without;
}();

Millis ticks(int count) {
    return count * tick_length;
}

// A host of two to four nodes with steady guests that all start in the first tick. `length` is in
// ticks.
TraceMaker steady_host(unsigned seed, int length) {
    TraceMaker maker("", seed, 2 + seed % 3, 16, 96 * gib);
    maker.trace().length = ticks(length);
    maker.fill(750, 750, [&] {
        maker.set_load(maker.between(0, 3) == 0 ? maker.add(2, 2, 4 * gib) : maker.add_ordinary(),
                       50, 950);
        maker.trace().guests.back().arrives = 0;
    });
    return maker;
}

// The same host with guests that come and go, and change their load and their memory every few
// minutes.
TraceMaker restless_host(unsigned seed, int length) {
    TraceMaker maker = steady_host(seed, length);
    for (GuestTrace& guest : maker.trace().guests) {
        guest.arrives = ticks(static_cast<int>(maker.between(0, length / 2)));
        if (maker.between(0, 2) == 0) guest.departs = guest.arrives + maker.between(3, 20) * minute;
        maker.add_phases(guest, minute, 10 * minute, [&](Phase& phase) {
            for (std::size_t c = 0; c < phase.cells.size(); ++c) {
                phase.cells[c].work = guest.cells[c].vcpus * maker.between(0, 1000);
                phase.cells[c].size =
                    std::max(gib, phase.cells[c].size * maker.between(70, 140) / 100);
                phase.cells[c].first_hot = static_cast<std::size_t>(maker.between(0, 7));
            }
        });
    }
    return maker;
}

TEST(Stability, NoCellReturnsToAFormerHomeWhileLoadOnlyJitters) {
    for (unsigned seed = 0; seed < hosts; ++seed) {
        TraceMaker maker = steady_host(seed, settling_ticks + 1000);
        Planned planner(restless);
        Simulation simulation(maker.trace(), planner);
        for (int tick = 0; tick < settling_ticks; ++tick)
            simulation.step();
        std::map<CellKey, std::set<std::uint8_t>> left;
        while (simulation.step())
            for (const Verdict& verdict : planner.last_plan().verdicts) {
                if (!verdict.former_node()) continue;
                left[verdict.key].insert(verdict.former_node()->value);
                ASSERT_FALSE(left[verdict.key].contains(verdict.home->node.value))
                    << "seed " << seed << ", " << verdict.key.uuid << " at "
                    << simulation.seen().now;
            }
    }
}

// Eight guests of which four at a time are busy. Two busy guests on each of two nodes need no more
// CPUs than there are.
Trace alternating_load(unsigned seed) {
    TraceMaker maker("", seed, 2, 10, 96 * gib);
    for (int g = 0; g < 8; ++g)
        maker.add(1, 4, 4 * gib).arrives = 0;
    Trace& trace = maker.trace();
    for (Millis begins = 0; begins < trace.length; begins += 2 * settings.cool_down) {
        std::vector<MilliCpu> work{3700, 3700, 3700, 3700, 100, 100, 100, 100};
        for (std::size_t i = work.size() - 1; i > 0; --i)
            std::swap(work[i], work[static_cast<std::size_t>(maker.between(0, std::int64_t(i)))]);
        for (std::size_t g = 0; g < trace.guests.size(); ++g) {
            std::vector<Phase>& phases = trace.guests[g].phases;
            if (begins > 0) phases.push_back(phases.back());
            phases.back().begins = begins;
            phases.back().cells[0].work = work[g];
        }
    }
    return trace;
}

TEST(Stability, PlacementFollowsPhasesWithinTheCoolDown) {
    constexpr Millis grace = 2 * tick_length;  // one tick to measure the load, one to act
    std::int64_t changes = 0;
    for (unsigned seed = 0; seed < hosts; ++seed) {
        const Trace trace = alternating_load(seed);
        Planned planner(settings);
        Simulation simulation(trace, planner);
        CpuTime contention = 0;
        while (simulation.step()) {
            const Millis since = simulation.seen().now % (2 * settings.cool_down);
            if (since > settings.cool_down + grace) {
                ASSERT_EQ(simulation.figures().contention, contention)
                    << "seed " << seed << " at " << simulation.seen().now;
            }
            contention = simulation.figures().contention;
        }
        changes += simulation.figures().home_changes;
    }
    EXPECT_GE(changes, hosts);
}

TEST(Stability, NoCellWaitsLongerThanTheCoolDown) {
    for (unsigned seed = 0; seed < hosts; ++seed) {
        const Trace trace = restless_host(seed, 1000).trace();
        Planned planner(settings);
        Simulation simulation(trace, planner);
        std::map<CellKey, int> waited;
        while (simulation.step())
            for (const Verdict& verdict : planner.last_plan().verdicts) {
                int& ticks_waited = waited[verdict.key];
                ticks_waited = verdict.alternative && verdict.alternative->lack == Lack::cool_down
                                   ? ticks_waited + 1
                                   : 0;
                ASSERT_LE(ticks_waited, settings.cool_down / tick_length + 1) << "seed " << seed;
            }
    }
}

// A full node, and what the policy demands, are more urgent.
bool is_free_choice(Reason reason) {
    return reason == Reason::better_home || reason == Reason::made_way;
}

TEST(Stability, NoGuestChangesItsHomesMoreOftenThanConfigured) {
    PlannerSettings three_an_hour = restless;
    three_an_hour.changes_per_hour = 3;
    three_an_hour.margin = 10;
    int held_back = 0;
    for (unsigned seed = 0; seed < hosts; ++seed) {
        const Trace trace = restless_host(seed, 2000).trace();  // a little longer than an hour
        Planned planner(three_an_hour);
        Simulation simulation(trace, planner);
        std::map<std::string, std::set<Millis>> changes;
        while (simulation.step()) {
            const Millis now = simulation.seen().now;
            for (const Verdict& verdict : planner.last_plan().verdicts) {
                std::set<Millis>& times = changes[verdict.key.uuid];
                times.erase(times.begin(), times.upper_bound(now - changes_window));
                held_back += verdict.alternative && verdict.alternative->lack == Lack::changes;
                if (!verdict.former_node()) continue;
                times.insert(now);
                if (is_free_choice(verdict.reason)) {
                    ASSERT_LE(times.size(), 3U) << "seed " << seed << ", " << verdict.key.uuid;
                }
            }
        }
    }
    EXPECT_GT(held_back, 0);
}

std::map<std::string, std::vector<std::pair<const CellState*, const Verdict*>>> by_group(
    const Snapshot& seen, const Plan& plan) {
    std::map<std::string, std::vector<std::pair<const CellState*, const Verdict*>>> members;
    for (const GuestState& guest : seen.guests)
        for (const CellState& cell : guest.cells)
            for (const Verdict& verdict : plan.verdicts)
                if (verdict.key == cell.key && !guest.policy.group.empty())
                    members[guest.policy.group].push_back({&cell, &verdict});
    return members;
}

bool one_node_holds(const Topology& topology,
                    const std::vector<std::pair<const CellState*, const Verdict*>>& members) {
    Bytes bytes = 0;
    for (const auto& [cell, verdict] : members)
        bytes += full_bytes(*cell);
    return bytes <= max_used_memory(topology.nodes[0], settings);
}

// Guests with one cell are members of four groups in turn. No group has more members than the host
// has nodes.
Trace grouped_host(unsigned seed) {
    Trace trace = restless_host(seed, 1000).trace();
    trace.groups = {{"near-1", Arrangement::together},
                    {"near-2", Arrangement::together},
                    {"apart-1", Arrangement::apart},
                    {"apart-2", Arrangement::apart}};
    std::map<std::string, std::size_t> members;
    std::size_t next_group = 0;
    for (GuestTrace& guest : trace.guests) {
        const GroupState& group = trace.groups[next_group++ % trace.groups.size()];
        if (guest.cells.size() > 1 || members[group.name] == trace.topology.nodes.size()) continue;
        ++members[group.name];
        guest.policy.group = group.name;
    }
    return trace;
}

TEST(Stability, GroupsAreArrangedAsConfiguredInEveryTick) {
    std::size_t together = 0, apart = 0;
    for (unsigned seed = 0; seed < hosts; ++seed) {
        const Trace trace = grouped_host(seed);
        Planned planner(settings);
        Simulation simulation(trace, planner);
        while (simulation.step())
            for (const auto& [group, members] : by_group(simulation.seen(), planner.last_plan())) {
                std::set<std::uint8_t> homes;
                std::size_t with_home = 0;
                for (const auto& [cell, verdict] : members)
                    if (verdict->home) homes.insert(verdict->home->node.value), ++with_home;
                if (group.starts_with("apart")) {
                    ASSERT_EQ(homes.size(), with_home) << "seed " << seed << ", " << group;
                    apart += with_home > 1;
                } else if (one_node_holds(trace.topology, members)) {
                    ASSERT_LE(homes.size(), 1U)
                        << "seed " << seed << ", " << group << " at " << simulation.seen().now;
                    together += with_home > 1;
                }
            }
    }
    EXPECT_GT(together, 1000U);
    EXPECT_GT(apart, 1000U);
}

// Memory in use on a node once all cells with their home there have allocated all of theirs and it
// has arrived. Memory that stays off the home counts on the node where it is.
Bytes expected_use(const Snapshot& seen, const Plan& plan, NodeIndex node) {
    Bytes bytes =
        seen.topology.nodes[node].memory_total - seen.topology.nodes[node].memory_available;
    for (const GuestState& guest : seen.guests)
        for (const CellState& cell : guest.cells)
            for (const Verdict& verdict : plan.verdicts) {
                if (verdict.key != cell.key || !verdict.home) continue;
                const Bytes stays = verdict.home->left_away > 0 ? cell.residency[node] : 0;
                bytes += stays - cell.residency[node];
                if (verdict.home->node == node)
                    bytes += full_bytes(cell) - verdict.home->left_away - stays;
            }
    return bytes;
}

bool is_new_home(const Verdict& verdict) {
    return verdict.home && (verdict.home->former || verdict.reason == Reason::first_home);
}

TEST(Stability, NewHomesAreAllowedAndHaveRoomInEveryTick) {
    for (unsigned seed = 0; seed < hosts; ++seed) {
        TraceMaker maker = restless_host(seed, 500);
        const std::size_t nodes = maker.trace().topology.nodes.size();
        for (GuestTrace& guest : maker.trace().guests)
            for (CellTrace& cell : guest.cells)
                if (maker.between(0, 2) == 0)
                    cell.allowed.erase(NodeIndex(
                        static_cast<std::size_t>(maker.between(0, std::int64_t(nodes) - 1))));
        Planned planner(settings);
        Simulation simulation(maker.trace(), planner);
        while (simulation.step()) {
            std::map<CellKey, NodeSet> allowed;
            for (const GuestState& guest : simulation.seen().guests)
                for (const CellState& cell : guest.cells)
                    allowed[cell.key] = cell.allowed;
            NodeSet entered;
            for (const Verdict& verdict : planner.last_plan().verdicts) {
                if (!verdict.home) continue;
                ASSERT_TRUE(allowed[verdict.key].contains(verdict.home->node)) << "seed " << seed;
                if (is_new_home(verdict)) entered.insert(verdict.home->node);
            }
            for (std::size_t n = 0; n < nodes; ++n) {
                const HostNode& node = simulation.seen().topology.nodes[n];
                if (!entered.contains(NodeIndex(n))) continue;
                ASSERT_LE(expected_use(simulation.seen(), planner.last_plan(), NodeIndex(n)),
                          max_used_memory(node, settings))
                    << "seed " << seed << ", node " << n << " at " << simulation.seen().now;
            }
        }
    }
}

TEST(Stability, WatchedGuestsAreNeverActedOn) {
    for (unsigned seed = 0; seed < (hosts + 3) / 4; ++seed) {
        TraceMaker maker = restless_host(seed, 500);
        std::set<std::string> watched;
        for (GuestTrace& guest : maker.trace().guests) {
            guest.policy.mode = maker.one_of({Mode::off, Mode::observe, Mode::advise, Mode::act});
            if (guest.policy.mode != Mode::act) watched.insert(uuid_of(guest));
        }
        Planned planner(restless);
        Simulation simulation(maker.trace(), planner);
        while (simulation.step())
            for (const Order& order : simulation.orders())
                ASSERT_FALSE(watched.contains(order.key.uuid)) << "seed " << seed;
    }
}

TEST(Stability, FailingActionsAreRetriedEverLessAndDoneInTheEnd) {
    constexpr Millis stuck = 20 * minute;
    TraceMaker maker("", 1, 2, 16, 96 * gib);
    maker.set_load(maker.add(1, 4, 8 * gib), 500, 500);
    maker.trace().guests[0].failing = {0, stuck};
    Planned planner(settings);
    Simulation simulation(maker.trace(), planner);
    int tried = 0;
    while (simulation.step())
        if (simulation.seen().now <= stuck) tried += !simulation.orders().empty();
    EXPECT_GE(tried, 5);
    EXPECT_LE(tried, 9) << "retried after 10, 20, 40, ... 320 s";
    const CellState& cell = simulation.seen().guests[0].cells[0];
    ASSERT_TRUE(cell.confined_to);
    EXPECT_EQ(locality(cell, *cell.confined_to), 1000);
}

}  // namespace
}  // namespace vnuma
