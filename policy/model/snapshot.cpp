#include "policy/model/snapshot.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace vnuma {

Bytes total_bytes(const CellState& cell) {
    return std::accumulate(cell.residency.begin(), cell.residency.end(), Bytes{0});
}

Bytes full_bytes(const CellState& cell) {
    return std::max(cell.size, total_bytes(cell));
}

NodeIndex memory_node(const Topology& topology, NodeIndex home) {
    if (topology.nodes[home].memory_total > 0) return home;
    NodeIndex nearest = home;
    const auto rank = [&](NodeIndex node) {
        const std::size_t steps = node > home ? node - home : home - node;
        return std::tuple(topology.nodes[node].memory_total == 0, topology.distances[home][node],
                          steps, node);
    };
    for (std::size_t n = 0; n < topology.nodes.size(); ++n)
        if (rank(NodeIndex(n)) < rank(nearest)) nearest = NodeIndex(n);
    return nearest;
}

MilliCpu sibling_part(const HostNode& node) {
    const MilliCpu cores = (node.cpu_capacity - sibling_capacity * node.cpus) * core_capacity /
                           (core_capacity - sibling_capacity);
    return std::clamp<MilliCpu>(node.cpu_capacity - cores, 0, node.cpu_capacity);
}

MilliCpu usable_cores(const Topology& topology, const CellState& cell, NodeIndex node) {
    if (topology.pools.empty())
        return topology.nodes[node].cpu_capacity - sibling_part(topology.nodes[node]);
    MilliCpu cores = 0;
    for (std::size_t p = 0; p < topology.pools.size(); ++p)
        if (topology.pools[p].node == node &&
            (cell.cpu_pools.empty() ||
             std::binary_search(cell.cpu_pools.begin(), cell.cpu_pools.end(), p)))
            cores += topology.pools[p].capacity - topology.pools[p].siblings;
    return cores;
}

Bytes growth_at(const Topology& topology, const CellState& cell, NodeIndex node) {
    const Bytes allocated = total_bytes(cell), growth = full_bytes(cell) - allocated;
    if (cell.huge_page != 0 || growth == 0) return 0;
    if (cell.confined_to) return memory_node(topology, *cell.confined_to) == node ? growth : 0;
    return growth / std::max<Bytes>(allocated / mib, 1) * (cell.residency[node] / mib);
}

bool WideUse::known() const {
    return std::any_of(accesses.begin(), accesses.end(), [](auto count) { return count > 0; });
}

PerMille locality(const CellState& cell, NodeIndex node) {
    const Bytes total = total_bytes(cell);
    // In KiB, so that the product fits 64 bits on every machine.
    return total < 1024 ? 1000 : cell.residency[node] / 1024 * 1000 / (total / 1024);
}

std::optional<std::size_t> group_of(const GuestState& guest, const Snapshot& snapshot,
                                    Arrangement arrangement) {
    if (guest.policy.group.empty()) return std::nullopt;
    for (std::size_t g = 0; g < snapshot.groups.size(); ++g)
        if (snapshot.groups[g].name == guest.policy.group &&
            snapshot.groups[g].arrangement == arrangement)
            return g;
    return std::nullopt;
}

}  // namespace vnuma
