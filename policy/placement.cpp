#include "policy/placement.hpp"

namespace vnuma {

Placement::Placement(const Snapshot& snapshot, const PlannerSettings& settings,
                     std::vector<Item> items)
    : snapshot_(snapshot),
      settings_(settings),
      items_(std::move(items)),
      demand_(snapshot.topology.nodes.size()) {
    for (const HostNode& node : snapshot.topology.nodes)
        use_[0].push_back(node.memory_total - node.memory_available);
    // Of a pool only what is free is known: its use is counted from the cells' own.
    for (const Item& item : items_)
        use_.try_emplace(item.cell->huge_page, snapshot.topology.nodes.size());
    for (Item& item : items_) {
        if (item.cell->huge_page == 0)
            for (std::size_t n = 0; n < use_[0].size(); ++n)
                use_[0][n] -= item.cell->residency[n];
        count(item, 1);
    }
}

void Placement::count(const Item& item, int sign) {
    if (item.home) demand_[*item.home] += sign * item.cell->cpu_use;
    Use& use = use_of(*item.cell);
    if (item.home && item.cell->movable) {
        use[*item.home] += sign * full_bytes(*item.cell);
        return;
    }
    for (std::size_t n = 0; n < use.size(); ++n)
        use[n] += sign * item.cell->residency[n];
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

Bytes Placement::limit(Bytes huge_page, NodeIndex node) const {
    const HostNode& host = snapshot_.topology.nodes[node];
    if (huge_page == 0) return host.memory_total / 1000 * (1000 - settings_.watermark);
    const auto pool = host.huge_available.find(huge_page);
    Bytes pages = pool == host.huge_available.end() ? 0 : pool->second;
    for (const Item& item : items_)
        if (item.cell->huge_page == huge_page) pages += item.cell->residency[node];
    return pages;
}

bool Placement::has_room(std::size_t index, NodeIndex node) const {
    const Item& item = items_[index];
    if (!item.cell->movable || item.home == node) return true;
    const Bytes there = item.home ? 0 : item.cell->residency[node];  // counted in use_ already
    return use_of(*item.cell)[node] + full_bytes(*item.cell) - there <=
           limit(item.cell->huge_page, node);
}

bool Placement::have_room_swapped(std::size_t a, std::size_t b) const {
    const NodeIndex home_a = *items_[a].home, home_b = *items_[b].home;
    for (const auto& [huge_page, use] : use_) {
        const auto bytes = [&, page = huge_page](const Item& item) {
            return item.cell->movable && item.cell->huge_page == page ? full_bytes(*item.cell)
                                                                      : Bytes{0};
        };
        const Bytes to_a = bytes(items_[b]) - bytes(items_[a]);
        if ((to_a > 0 && use[home_a] + to_a > limit(huge_page, home_a)) ||
            (to_a < 0 && use[home_b] - to_a > limit(huge_page, home_b)))
            return false;
    }
    return true;
}

}  // namespace vnuma
