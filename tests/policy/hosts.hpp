// Hosts and guests for tests of the planner.
#pragma once

#include <algorithm>
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

// A guest without vNUMA in which each vCPU has a private buffer of 100 MiB, on the node given for
// it in `nodes`. In the access matrix each vCPU accesses one extent: its own, or the one of the
// vCPU that `extent_of` names for it.
inline GuestState make_wide_guest(const std::string& name, const std::vector<std::size_t>& nodes,
                                  std::size_t host_nodes, std::vector<std::size_t> extent_of = {}) {
    const std::size_t vcpus = nodes.size();
    std::vector<Bytes> residency(host_nodes);
    WideUse use;
    use.extents = vcpus;
    use.accesses.resize(vcpus * vcpus);
    use.shared.assign(vcpus, std::vector<Bytes>(host_nodes));
    for (std::size_t v = 0; v < vcpus; ++v) {
        use.cpu_use.push_back(200);
        use.confined_to.emplace_back();
        use.own.emplace_back(host_nodes)[nodes[v]] = 100 * mib;
        use.accesses[v * vcpus + (extent_of.empty() ? v : extent_of[v])] = 1000;
        residency[nodes[v]] += 100 * mib;
    }
    GuestState guest =
        make_guest(name, static_cast<int>(vcpus), 200 * static_cast<MilliCpu>(vcpus), residency);
    guest.wide = std::move(use);
    return guest;
}

// The memory that the nodes have available is reduced by that of the guests.
inline Snapshot make_snapshot(Topology topology, std::vector<GuestState> guests, Millis now = 0) {
    for (const GuestState& guest : guests)
        for (const CellState& cell : guest.cells)
            for (std::size_t n = 0; n < topology.nodes.size(); ++n)
                topology.nodes[n].memory_available -= cell.residency[n];
    return {now, std::move(topology), std::move(guests)};
}

// Moves bytes from all other nodes to one, within ordinary memory or one pool of huge pages.
inline void move_bytes(std::vector<Bytes>& bytes, NodeIndex to, Topology& topology,
                       Bytes huge_page) {
    const auto available = [&](std::size_t n) -> Bytes& {
        HostNode& node = topology.nodes[n];
        return huge_page > 0 ? node.huge_available[huge_page] : node.memory_available;
    };
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        if (NodeIndex(n) == to) continue;
        available(n) += bytes[n];
        available(to) -= bytes[n];
        bytes[to] += bytes[n];
        bytes[n] = 0;
    }
}

inline void carry_out(const PinCell& pin, GuestState& guest, CellState& cell) {
    cell.pinned = true;
    if (pin.key.shard == CellKey::whole) cell.confined_to = pin.to;
    for (const std::size_t vcpu : pin.vcpus)
        guest.wide->confined_to[vcpu] = pin.to;
}

inline void carry_out(const MoveMemory& move, GuestState& guest, CellState& cell,
                      Topology& topology) {
    if (move.key.shard == CellKey::whole)
        return move_bytes(cell.residency, move.to, topology, cell.huge_page);
    std::vector<std::vector<Bytes>*> moved;
    for (const std::size_t vcpu : move.vcpus)
        moved.push_back(&guest.wide->own[vcpu]);
    for (const std::size_t extent : move.extents)
        moved.push_back(&guest.wide->shared[extent]);
    for (std::vector<Bytes>* bytes : moved) {
        for (std::size_t n = 0; n < bytes->size(); ++n)
            if (NodeIndex(n) != move.to) {
                cell.residency[n] -= (*bytes)[n];
                cell.residency[move.to] += (*bytes)[n];
            }
        move_bytes(*bytes, move.to, topology, cell.huge_page);
    }
}

// The host once all actions of the plan have been carried out.
inline Snapshot simulate(Snapshot snapshot, const Plan& plan) {
    for (GuestState& guest : snapshot.guests)
        for (CellState& cell : guest.cells)
            for (const Action& action : plan.actions) {
                const CellKey& key = key_of(action);
                if (key.uuid != cell.key.uuid || key.cell != cell.key.cell) continue;
                if (const auto* pin = std::get_if<PinCell>(&action)) carry_out(*pin, guest, cell);
                if (std::holds_alternative<UnpinCell>(action)) {
                    cell.confined_to.reset();
                    cell.pinned = false;
                }
                if (const auto* move = std::get_if<MoveMemory>(&action))
                    carry_out(*move, guest, cell, snapshot.topology);
            }
    return snapshot;
}

inline const Verdict& verdict_of(const Plan& plan, const std::string& name, int cell = 0,
                                 int shard = CellKey::whole) {
    for (const Verdict& verdict : plan.verdicts)
        if (verdict.key == CellKey{"uuid-" + name, cell, shard}) return verdict;
    static const Verdict none;
    return none;
}

inline std::optional<NodeIndex> home_of(const Plan& plan, const std::string& name) {
    return verdict_of(plan, name).home_node();
}

// All cells have had this home since then.
inline History history_with(const Snapshot& host, NodeIndex home, Millis since) {
    History history;
    for (const GuestState& guest : host.guests)
        for (const CellState& cell : guest.cells)
            history.cells[cell.key] = {home, since, 0};
    return history;
}

// A host with two to four nodes and one to eight guests, whose memory is on random nodes.
inline Snapshot random_snapshot(std::mt19937& random) {
    const auto up_to = [&](std::int64_t max) {
        return std::uniform_int_distribution<std::int64_t>(0, max)(random);
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
