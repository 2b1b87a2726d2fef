#include "src/ctl/whatif/more_nodes.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma::ctl {
namespace {

int farthest(const Topology& topology) {
    if (topology.nodes.size() < 2) return usual_distance;
    int most = 0;
    for (const std::vector<int>& row : topology.distances)
        most = std::max(most, *std::max_element(row.begin(), row.end()));
    return most;
}

void add_to_topology(Topology& topology) {
    const int distance = farthest(topology);
    HostNode node = topology.nodes.back();
    node.id = 0;
    for (const HostNode& other : topology.nodes)
        node.id = std::max(node.id, other.id + 1);
    node.memory_available = node.memory_total;
    node.other_use = 0;
    if (!topology.pools.empty())
        topology.pools.push_back(
            {NodeIndex(topology.nodes.size()), node.cpu_capacity, sibling_part(node)});
    topology.nodes.push_back(node);
    for (std::vector<int>& row : topology.distances)
        row.push_back(distance);
    topology.distances.emplace_back(topology.nodes.size(), distance).back() = local_distance;
}

void add_column(std::vector<std::vector<Bytes>>& rows) {
    for (std::vector<Bytes>& row : rows)
        row.push_back(0);
}

void allow_last_node(CellState& cell, std::size_t nodes, std::size_t pools) {
    const bool all_nodes = cell.allowed == NodeSet::first(nodes - 1);
    const bool all_pools = cell.cpu_pools.empty() || cell.cpu_pools.size() + 1 == pools;
    if (!all_nodes || !all_pools) return;
    cell.allowed = NodeSet::first(nodes);
    if (!cell.cpu_pools.empty()) cell.cpu_pools.push_back(pools - 1);
}

}  // namespace

void add_node(Snapshot& snapshot) {
    add_to_topology(snapshot.topology);
    const std::size_t nodes = snapshot.topology.nodes.size();
    for (GuestState& guest : snapshot.guests) {
        for (CellState& cell : guest.cells) {
            cell.residency.push_back(0);
            if (!cell.heat.empty()) cell.heat.push_back(0);
            allow_last_node(cell, nodes, snapshot.topology.pools.size());
        }
        if (!guest.wide) continue;
        add_column(guest.wide->own);
        add_column(guest.wide->shared);
    }
}

void free_memory(const GuestState& guest, Topology& topology) {
    for (const CellState& cell : guest.cells)
        for (std::size_t n = 0; n < cell.residency.size(); ++n) {
            HostNode& node = topology.nodes[n];
            Bytes& available =
                cell.huge_page == 0 ? node.memory_available : node.huge_available[cell.huge_page];
            available += cell.residency[n];
            if (cell.huge_page == 0) available = std::min(available, node.memory_total);
        }
}

}  // namespace vnuma::ctl
