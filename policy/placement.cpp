#include "policy/placement.hpp"

namespace vnuma {

Placement::Placement(const Snapshot& snapshot, const PlannerSettings& settings,
                     std::vector<Item> items)
    : snapshot_(snapshot),
      settings_(settings),
      items_(std::move(items)),
      demand_(snapshot.topology.nodes.size()) {
    for (const HostNode& node : snapshot.topology.nodes)
        memory_.push_back(node.memory_total - node.memory_available);
    for (Item& item : items_) {
        for (std::size_t n = 0; n < memory_.size(); ++n)
            memory_[n] -= item.cell->residency[n];
        count(item, 1);
    }
}

void Placement::count(const Item& item, int sign) {
    if (item.home) demand_[*item.home] += sign * item.cell->cpu_use;
    if (item.home && item.cell->movable) {
        memory_[*item.home] += sign * full_bytes(*item.cell);
        return;
    }
    for (std::size_t n = 0; n < memory_.size(); ++n)
        memory_[n] += sign * item.cell->residency[n];
}

void Placement::put(std::size_t index, std::optional<NodeIndex> home) {
    Item& item = items_[index];
    count(item, -1);
    item.home = home;
    count(item, 1);
}

Cost Placement::marginal(std::size_t index, NodeIndex node) const {
    const Item& item = items_[index];
    const HostNode& host = snapshot_.topology.nodes[node];
    const MilliCpu others = demand_[node] - (item.home == node ? item.cell->cpu_use : MilliCpu{0});
    Cost cost = cell_cost(*item.cell, node, snapshot_.topology, settings_) +
                node_cost(host, others + item.cell->cpu_use, settings_) -
                node_cost(host, others, settings_);
    if (item.guest->cells.size() > 1)
        for (const Item& other : items_)
            if (&other != &item && other.guest == item.guest && other.home == node)
                cost += sibling_cost(*item.cell, *other.cell, settings_);
    return cost;
}

Bytes Placement::limit(NodeIndex node) const {
    const Bytes total = snapshot_.topology.nodes[node].memory_total;
    return total / 1000 * (1000 - settings_.watermark);
}

bool Placement::has_room(std::size_t index, NodeIndex node) const {
    const Item& item = items_[index];
    if (!item.cell->movable || item.home == node) return true;
    const Bytes there = item.home ? 0 : item.cell->residency[node];  // counted in memory_ already
    return memory_[node] + full_bytes(*item.cell) - there <= limit(node);
}

bool Placement::have_room_swapped(std::size_t a, std::size_t b) const {
    const auto bytes = [](const Item& item) {
        return item.cell->movable ? full_bytes(*item.cell) : Bytes{0};
    };
    const Bytes to_a = bytes(items_[b]) - bytes(items_[a]);
    const NodeIndex home_a = *items_[a].home, home_b = *items_[b].home;
    return (to_a <= 0 || memory_[home_a] + to_a <= limit(home_a)) &&
           (to_a >= 0 || memory_[home_b] - to_a <= limit(home_b));
}

}  // namespace vnuma
