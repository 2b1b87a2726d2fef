// No plan costs more, as the planner prices it, than if no guest had a home, or overfills a node.
#include <gtest/gtest.h>

#include <iostream>
#include <utility>

#include "tests/policy/hard_hosts.hpp"
#include "tests/policy/random_homes.hpp"
#include "tests/repeats.hpp"

namespace vnuma {
namespace {

using namespace vnuma::test;

const PlannerSettings settings;

// Puts a host's guests on it several times, as different ones with less memory.
void crowd(Snapshot& host) {
    const std::vector<GuestState> once = host.guests;
    for (int copy = 1; copy < 4; ++copy)
        for (GuestState guest : once) {
            guest.uuid += "/" + std::to_string(copy);
            for (CellState& cell : guest.cells) {
                cell.key.uuid = guest.uuid;
                cell.size = 0;
                for (Bytes& bytes : cell.residency)
                    bytes = bytes > 0 ? mib : 0;
            }
            guest.wide.reset();
            host.guests.push_back(std::move(guest));
        }
}

// A host of any of the other kinds, on every third with hardware threads, with a node without
// memory, with guests that use all of their vCPUs, with others that use much of some nodes, with
// guests whose homes are narrowed, with many guests, or with CPUs that only some guests may use.
Snapshot host_of_any_kind(std::mt19937& random) {
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    Snapshot host = one_in(3)   ? random_snapshot(random)
                    : one_in(2) ? HardHost(random).make()
                                : mixed_host(random);
    if (one_in(3)) crowd(host);
    Topology& topology = host.topology;
    std::vector<CellState*> cells;
    for (GuestState& guest : host.guests)
        for (CellState& cell : guest.cells)
            cells.push_back(&cell);
    for (HostNode& node : topology.nodes)
        if (one_in(3)) node.cpu_capacity = node.cpus * MilliCpu{600};
    if (one_in(3))
        for (CellState* cell : cells)
            cell->cpu_use = cell->vcpus * MilliCpu{1000};
    if (one_in(3))
        for (HostNode& node : topology.nodes)
            node.other_use = node.cpu_capacity * static_cast<MilliCpu>(random() % 15) / 10;
    if (one_in(3))
        for (CellState* cell : cells)
            if (one_in(3))
                cell->allowed = NodeSet::only(NodeIndex(random() % topology.nodes.size()));
    if (one_in(3)) {
        // The last node gives its memory to the first.
        HostNode &first = topology.nodes.front(), &last = topology.nodes.back();
        const auto give = [](std::vector<Bytes>& bytes) {
            bytes.front() += std::exchange(bytes.back(), 0);
        };
        first.memory_total += std::exchange(last.memory_total, 0);
        first.memory_available += std::exchange(last.memory_available, 0);
        for (auto& [page, bytes] : last.huge_available)
            first.huge_available[page] += std::exchange(bytes, 0);
        for (CellState* cell : cells)
            give(cell->residency);
        for (GuestState& guest : host.guests) {
            if (!guest.wide) continue;
            for (auto* all : {&guest.wide->own, &guest.wide->shared})
                for (std::vector<Bytes>& bytes : *all)
                    give(bytes);
        }
    }
    if (!one_in(3)) return host;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n) {
        const MilliCpu all = topology.nodes[n].cpu_capacity;
        topology.pools.push_back({NodeIndex(n), all / 4});
        topology.pools.push_back({NodeIndex(n), all - all / 4});
    }
    for (CellState* cell : cells)
        for (std::size_t p = random() % 2; p < topology.pools.size() && one_in(2); p += 2)
            cell->cpu_pools.push_back(p);
    return host;
}

struct Prices {
    Cost planned = 0, all_roam = 0;
    bool any_roams = false;
    bool overfills = false;  // a node, or does so more than it was before
};

// What the planner thinks that its plan costs, and that it would cost if nobody had a home whose
// policy does not demand one.
Prices prices_of(const Snapshot& host, const Plan& made) {
    const Units chosen = choose_units(host, {}, settings);
    std::vector<const CellState*> bystanders;
    for (const Refusal& refusal : chosen.refusals)
        if (refusal.verdict.reason != Reason::split) bystanders.push_back(refusal.cell);
    for (const Unit& unit : chosen.watched)
        for (const Unit::Part& part : unit.parts)
            bystanders.push_back(part.cell);
    Placement placement(host, settings, chosen.acting, bystanders, chosen.held_apart);
    Prices prices;
    const Placement::Excess before = placement.above_limits();
    for (std::size_t i = 0; i < chosen.acting.size(); ++i)
        for (const Verdict& verdict : made.verdicts)
            if (verdict.key == chosen.acting[i].parts.front().cell->key) {
                placement.put(i, verdict.home_node());
                prices.any_roams |= verdict.reason == Reason::roams;
            }
    prices.planned = placement.total();
    prices.overfills = placement.is_further_above(before);
    for (std::size_t i = 0; i < chosen.acting.size(); ++i)
        if (chosen.acting[i].may_roam) placement.put(i, roaming);
    prices.all_roam = placement.total();
    return prices;
}

TEST(AnyPlan, CostsNoMoreThanNoHomesAtAllAndOverfillsNoNode) {
    const unsigned hosts = test::cases(2'000, 10'000);
    unsigned roam = 0, gain = 0;
    for (unsigned seed = 0; seed < hosts; ++seed) {
        std::mt19937 random(seed);
        const Snapshot host = host_of_any_kind(random);
        const Prices prices = prices_of(host, plan(host, {}, settings));
        ASSERT_LE(prices.planned, prices.all_roam) << "seed " << seed;
        ASSERT_FALSE(prices.overfills) << "seed " << seed;
        roam += prices.any_roams;
        gain += prices.planned < prices.all_roam;
    }
    std::cout << hosts << " hosts: no plan costs more than no homes at all, " << gain
              << " cost less; some guest roams on " << roam << "\n";
    EXPECT_GT(roam, hosts / 100);
    EXPECT_GT(gain, hosts / 2);
}

}  // namespace
}  // namespace vnuma
