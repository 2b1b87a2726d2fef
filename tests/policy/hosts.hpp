// Hosts and guests for tests of the planner.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "policy/planner.hpp"

namespace vnuma::test {

inline constexpr Bytes gib = 1024 * mib;

inline Topology make_topology(std::size_t nodes, int cpus, Bytes memory) {
    Topology topology;
    for (std::size_t n = 0; n < nodes; ++n) {
        topology.nodes.push_back(
            {static_cast<int>(n), cpus, cpus * MilliCpu{1000}, memory, memory});
        topology.distances.emplace_back(nodes, 21);
        topology.distances[n][n] = local_distance;
    }
    return topology;
}

inline GuestState make_guest(const std::string& name, int vcpus, MilliCpu use,
                             std::vector<Bytes> residency) {
    GuestState guest{"uuid-" + name, name, "", {}};
    CellState cell;
    cell.key = {guest.uuid, 0};
    cell.vcpus = vcpus;
    cell.cpu_use = use;
    cell.allowed = NodeSet::first(residency.size());
    cell.residency = std::move(residency);
    guest.cells.push_back(cell);
    return guest;
}

// Takes the guests' memory out of what the nodes have available.
inline Snapshot make_snapshot(Topology topology, std::vector<GuestState> guests, Millis now = 0) {
    for (const GuestState& guest : guests)
        for (const CellState& cell : guest.cells)
            for (std::size_t n = 0; n < topology.nodes.size(); ++n)
                topology.nodes[n].memory_available -= cell.residency[n];
    return {now, std::move(topology), std::move(guests)};
}

// The host after the plan has been carried out in full.
inline Snapshot simulate(Snapshot snapshot, const Plan& plan) {
    for (GuestState& guest : snapshot.guests)
        for (CellState& cell : guest.cells)
            for (const Action& action : plan.actions) {
                if (key_of(action) != cell.key) continue;
                if (const auto* pin = std::get_if<PinCell>(&action)) {
                    cell.confined_to = pin->to;
                    cell.pinned = true;
                }
                if (std::holds_alternative<UnpinCell>(action)) {
                    cell.confined_to.reset();
                    cell.pinned = false;
                }
                const auto* move = std::get_if<MoveMemory>(&action);
                for (std::size_t n = 0; move && n < cell.residency.size(); ++n) {
                    if (NodeIndex(n) == move->to) continue;
                    snapshot.topology.nodes[n].memory_available += cell.residency[n];
                    snapshot.topology.nodes[move->to].memory_available -= cell.residency[n];
                    cell.residency[move->to] += cell.residency[n];
                    cell.residency[n] = 0;
                }
            }
    return snapshot;
}

inline const Verdict& verdict_of(const Plan& plan, const std::string& name, int cell = 0) {
    for (const Verdict& verdict : plan.verdicts)
        if (verdict.key == CellKey{"uuid-" + name, cell}) return verdict;
    static const Verdict none;
    return none;
}

// Two to four nodes, up to eight guests whose memory lies anywhere it fits.
inline Snapshot random_snapshot(std::mt19937& random) {
    const auto up_to = [&](std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(0, most)(random);
    };
    const std::size_t nodes = 2 + static_cast<std::size_t>(up_to(2));
    const int cpus = 4 + static_cast<int>(up_to(12));
    const Topology topology = make_topology(nodes, cpus, 64 * gib);
    std::vector<GuestState> guests;
    const std::int64_t count = 1 + up_to(7);
    for (std::int64_t g = 0; g < count; ++g) {
        std::vector<Bytes> residency(nodes);
        for (Bytes& bytes : residency)
            bytes = up_to(4) * gib;
        const int vcpus = 1 + static_cast<int>(up_to(7));
        guests.push_back(
            make_guest("g" + std::to_string(g), vcpus, up_to(vcpus * 1000), residency));
    }
    return make_snapshot(topology, std::move(guests));
}

}  // namespace vnuma::test
