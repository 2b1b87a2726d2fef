#include "policy/units/bystanders.hpp"

namespace vnuma {

Bystanders::Bystanders(const Snapshot& snapshot, const History& history)
    : snapshot_(snapshot), history_(history), growth_(snapshot.topology.nodes.size()) {}

void Bystanders::add(const GuestState& guest, const CellState& cell, Kind kind) {
    for (std::size_t n = 0; n < growth_.size(); ++n)
        growth_[n] += growth_at(snapshot_.topology, cell, NodeIndex(n));
    if (guest.policy.group.empty()) return;
    const std::vector<NodeIndex> nodes = nodes_of(cell, kind);
    if (const auto group = group_of(guest, snapshot_, Arrangement::apart))
        for (const NodeIndex node : nodes)
            held_apart_.push_back({*group, node, &guest});
    const auto group = group_of(guest, snapshot_, Arrangement::together);
    if (group && kind != Kind::excluded && guest.cells.size() == 1 && nodes.size() == 1)
        together_.try_emplace(*group, nodes.front());
}

std::optional<NodeIndex> Bystanders::node_of_group(std::size_t group) const {
    const auto found = together_.find(group);
    return found == together_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<NodeIndex> Bystanders::nodes_of(const CellState& cell, Kind kind) const {
    std::vector<NodeIndex> nodes;
    auto known = history_.cells.lower_bound(cell.key);
    for (; kind == Kind::unsteady && known != history_.cells.end(); ++known) {
        const CellKey& key = known->first;
        if (key.uuid != cell.key.uuid || key.cell != cell.key.cell) break;
        if (!known->second.roams) nodes.push_back(known->second.home);
    }
    if (nodes.empty() && cell.confined_to) nodes.push_back(*cell.confined_to);
    return nodes;
}

}  // namespace vnuma
