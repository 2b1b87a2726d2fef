#include "policy/search/placement.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma {

MilliCpu Placement::use_by_memory(const CellState& cell, NodeIndex node) {
    const Bytes total = std::max<Bytes>(total_bytes(cell) / mib, 1);
    return cell.cpu_use * (cell.residency[node] / mib) / total;
}

void Placement::hold_apart(const HeldApart& held, int sign) {
    apart_[held.group][held.node] += sign;
    own_apart_[{held.guest, held.node}] += sign;
}

MilliCpu Placement::use_without_home(std::size_t unit, NodeIndex node) const {
    MilliCpu use = 0;
    for (const Part& part : parts(unit))
        use += use_by_memory(*part.cell, node);
    return use;
}

void Placement::count(std::size_t index, int sign) {
    const Unit& input = (*units_)[index];
    const PlacedUnit& unit = placed_[index];
    if (unit.home && input.apart_group)
        hold_apart({*input.apart_group, *unit.home, input.parts.front().guest}, sign);
    for (std::size_t n = 0; n < nodes_; ++n) {
        const NodeIndex node(n);
        demand_[n] += sign * use_at(index, node);
        for (const Part& part : parts(index))
            use_[part.pool][n] += sign * bytes_on(part, node, unit.home, unit.taken_off);
    }
}

void Placement::change(std::size_t index, std::optional<NodeIndex> home, bool taken_off) {
    PlacedUnit& unit = placed_[index];
    const std::optional<NodeIndex> former = unit.home;
    const bool runs_anywhere = (!former && !unit.taken_off) || (!home && !taken_off);
    count(index, -1);
    unit.home = home;
    unit.taken_off = taken_off;
    count(index, 1);
    for (std::size_t n = 0; n < nodes_; ++n)
        if (runs_anywhere || former == NodeIndex(n) || home == NodeIndex(n))
            load_cost_[n] = node_cost(topology_->nodes[n], demand_[n], settings_);
}

void Placement::put(std::size_t unit, std::optional<NodeIndex> home) {
    change(unit, home, false);
}

void Placement::take_off(std::size_t unit) {
    change(unit, std::nullopt, true);
}

Bytes Placement::bytes_above_limits() const {
    Bytes sum = 0;
    for (std::size_t pool = 0; pool < page_.size(); ++pool)
        for (std::size_t n = 0; n < nodes_; ++n)
            sum += std::max<Bytes>(-room(NodeIndex(n), pool), 0);
    return sum;
}

Bytes Placement::above_watermark(NodeIndex node, Bytes more) const {
    return std::max<Bytes>(use_[0][node] + more - limit_[0][node], 0);
}

Bytes Placement::added_bytes(std::size_t index, std::size_t pool, NodeIndex node,
                             std::optional<NodeIndex> from, std::optional<NodeIndex> to) const {
    const bool taken_off = placed_[index].taken_off;
    Bytes added = 0;
    for (const Part& part : parts(index))
        if (part.pool == pool)
            added += bytes_on(part, node, to, taken_off) - bytes_on(part, node, from, taken_off);
    return added;
}

Bytes Placement::brought(std::size_t unit, std::size_t pool, NodeIndex node) const {
    return added_bytes(unit, pool, node, home(unit), node);
}

Bytes Placement::brought_by_swap(std::size_t coming, std::size_t leaving, std::size_t pool) const {
    const NodeIndex node = *home(leaving);
    return added_bytes(coming, pool, node, home(coming), node) +
           added_bytes(leaving, pool, node, node, home(coming));
}

Bytes Placement::freed_by_leaving(std::size_t unit, NodeIndex node) const {
    Bytes bytes = 0;
    for (const Part& part : parts(unit))
        if (part.pool == 0)
            bytes += bytes_on(part, node, node, false) -
                     (part.cell->movable ? 0 : part.cell->residency[node]);
    return bytes;
}

Placement::Marginal Placement::least_marginal(std::size_t unit, NodeIndex node) const {
    const MilliCpu others = demand_[node] - use_at(unit, node);
    const auto load_cost = [&](MilliCpu demand) {
        return demand == demand_[node] ? load_cost_[node]
                                       : node_cost(topology_->nodes[node], demand, settings_);
    };
    const Cost load = load_cost(others + cpu_use(unit)) - load_cost(others);
    return {own_cost(unit, node) + load, load};
}

Placement::Marginal Placement::marginal(std::size_t unit, NodeIndex node) const {
    Marginal cost = least_marginal(unit, node);
    if (const Bytes above = above_watermark(node, brought(unit, 0, node)); above > 0)
        cost.all += pressure_cost(std::min(above, freed_by_leaving(unit, node)), settings_);
    for (const Unit::Coupling& coupling : units()[unit].couplings)
        if (const std::optional<NodeIndex> other = home(coupling.other))
            cost.all += coupling_cost(coupling, node, *other);
    return cost;
}

Cost Placement::coupling_cost(const Unit::Coupling& coupling, NodeIndex here,
                              NodeIndex other) const {
    if (here != other) return traffic_cost(coupling.traffic, excess_[here][other], settings_);
    if (coupling.sibling == 0) return 0;
    return std::max(
        sibling_cost(coupling.sibling, settings_),
        sibling_over_farthest * traffic_cost(coupling.traffic, farthest_, settings_) / 1000);
}

Placement::Marginal Placement::swap_gain(std::size_t a, std::size_t b) const {
    const NodeIndex home_a = *home(a), home_b = *home(b);
    const MilliCpu shift = cpu_use(b) - cpu_use(a);  // of demand, from b's home to a's
    Marginal gain;
    gain.load = load_cost_[home_a] + load_cost_[home_b] -
                node_cost(topology_->nodes[home_a], demand_[home_a] + shift, settings_) -
                node_cost(topology_->nodes[home_b], demand_[home_b] - shift, settings_);
    gain.all = gain.load + own_cost(a, home_a) + own_cost(b, home_b) - own_cost(a, home_b) -
               own_cost(b, home_a);
    // Accesses between the two have as far to go after the swap as before.
    const auto coupling_gain = [&](std::size_t unit, std::size_t partner, NodeIndex from,
                                   NodeIndex to) {
        Cost saved = 0;
        for (const Unit::Coupling& coupling : units()[unit].couplings)
            if (const auto other = home(coupling.other); other && coupling.other != partner)
                saved +=
                    coupling_cost(coupling, from, *other) - coupling_cost(coupling, to, *other);
        return saved;
    };
    gain.all += coupling_gain(a, b, home_a, home_b) + coupling_gain(b, a, home_b, home_a);
    gain.all += pressure_gain(a, b);
    return gain;
}

Cost Placement::pressure_gain(std::size_t a, std::size_t b) const {
    const NodeIndex home_a = *home(a), home_b = *home(b);
    // On most hosts no unit is large enough to bring a node above its watermark.
    if (above_watermark(home_a, placed_[b].ordinary_full) == 0 &&
        above_watermark(home_b, placed_[a].ordinary_full) == 0)
        return 0;
    const Bytes to_a = brought_by_swap(b, a, 0), to_b = brought_by_swap(a, b, 0);
    return pressure_cost(above_watermark(home_a, 0), settings_) +
           pressure_cost(above_watermark(home_b, 0), settings_) -
           pressure_cost(above_watermark(home_a, to_a), settings_) -
           pressure_cost(above_watermark(home_b, to_b), settings_);
}

Cost Placement::load() const {
    return std::accumulate(load_cost_.begin(), load_cost_.end(), Cost{0});
}

Cost Placement::total() const {
    Cost sum = load();
    for (std::size_t n = 0; n < nodes_; ++n)
        sum += pressure_cost(above_watermark(NodeIndex(n), 0), settings_);
    for (std::size_t i = 0; i < placed_.size(); ++i) {
        const std::optional<NodeIndex> here = home(i);
        if (!here) continue;
        sum += own_cost(i, *here);
        Cost couplings = 0;  // both units of a coupling have it
        for (const Unit::Coupling& coupling : units()[i].couplings)
            if (const std::optional<NodeIndex> other = home(coupling.other))
                couplings += coupling_cost(coupling, *here, *other);
        sum += couplings / 2;
    }
    return sum;
}

PerMille Placement::load_of(NodeIndex node) const {
    return demand_[node] * 1000 / std::max<MilliCpu>(topology_->nodes[node].cpu_capacity, 1);
}

bool Placement::load_matters(NodeIndex a, NodeIndex b) const {
    constexpr PerMille fully_used = 1000;
    const PerMille load_a = load_of(a), load_b = load_of(b);
    return std::max(load_a, load_b) > fully_used ||
           std::max(load_a - load_b, load_b - load_a) >= settings_.imbalance;
}

}  // namespace vnuma
