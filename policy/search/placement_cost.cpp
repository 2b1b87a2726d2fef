// What units cost where they are, and what moves and swaps would cost.
#include <algorithm>
#include <numeric>

#include "policy/search/placement.hpp"

namespace vnuma {

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
    const Bytes to_a = brought_by_swap(b, a, 0), to_b = brought_by_swap(a, b, 0);
    gain.all += pressure_cost(above_watermark(home_a, 0), settings_) +
                pressure_cost(above_watermark(home_b, 0), settings_) -
                pressure_cost(above_watermark(home_a, to_a), settings_) -
                pressure_cost(above_watermark(home_b, to_b), settings_);
    return gain;
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
