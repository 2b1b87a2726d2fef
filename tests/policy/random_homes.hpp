// Placements as the planner starts with them, and random homes whose cool-down is over.
#pragma once

#include <optional>

#include "policy/search/placement.hpp"
#include "policy/units/choose_units.hpp"
#include "tests/policy/hosts.hpp"

namespace vnuma::test {

// The placement that the planner starts with. Cells that cannot be placed are bystanders.
inline Placement placement_of(const Snapshot& host, const PlannerSettings& settings,
                              const Units& chosen) {
    std::vector<const CellState*> bystanders;
    for (const Refusal& refusal : chosen.refusals)
        bystanders.push_back(refusal.cell);
    return Placement(host, settings, chosen.acting, bystanders, chosen.held_apart);
}

// A random home with room for each cell. Returns nothing if there is none for some cell, or if a
// node is short of memory in the end.
inline std::optional<History> random_homes(const Snapshot& host, const PlannerSettings& settings,
                                           std::mt19937& random) {
    const Units chosen = choose_units(host, {}, settings);
    Placement placement = placement_of(host, settings, chosen);
    History history;
    for (std::size_t i = 0; i < placement.units().size(); ++i) {
        std::vector<NodeIndex> free;
        for (std::size_t n = 0; n < placement.node_count(); ++n)
            if (placement.feasibility(i, NodeIndex(n)) == Placement::Feasibility::feasible)
                free.emplace_back(n);
        if (free.empty()) return std::nullopt;
        const NodeIndex home = free[random() % free.size()];
        placement.put(i, home);
        history.cells[placement.units()[i].parts.front().cell->key] = {home, 0};
    }
    for (std::size_t n = 0; n < placement.node_count(); ++n)
        if (placement.is_short_of_memory(NodeIndex(n))) return std::nullopt;
    return history;
}

}  // namespace vnuma::test
