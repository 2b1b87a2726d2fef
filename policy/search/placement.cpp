#include "policy/search/placement.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma {
namespace {

// Of a cell that may run anywhere: the kernel's balancing goes by where its memory is.
MilliCpu use_by_memory(const CellState& cell, std::size_t node) {
    const Bytes total = std::max<Bytes>(total_bytes(cell) / mib, 1);
    return cell.cpu_use * (cell.residency[node] / mib) / total;
}

// What a part of a unit fills of its pool on a node, if the unit has this home, or none.
Bytes filled_by(const Unit::Part& part, NodeIndex node, std::optional<NodeIndex> home,
                bool lifted) {
    const Bytes there = part.cell->residency[node];
    if (!home) return lifted && part.cell->movable ? 0 : there;
    if (!part.stays_at.contains(*home)) return node == *home ? part.full : 0;
    return there + (node == *home ? part.untouched : 0);
}

// A guest of the highest priority counts nearly twice, of the lowest a tenth.
Cost weighted(Cost cost, int priority) {
    return cost * (1000 + 9 * std::clamp(priority, least_priority, most_priority)) / 1000;
}

}  // namespace

Placement::Placement(const Snapshot& snapshot, const PlannerSettings& settings,
                     std::vector<Unit> units, const std::vector<const CellState*>& bystanders,
                     const std::vector<HeldApart>& held_apart)
    : topology_(&snapshot.topology),
      settings_(settings),
      nodes_(snapshot.topology.nodes.size()),
      units_(std::move(units)),
      excess_(nodes_, std::vector<PerMille>(nodes_)),
      demand_(nodes_),
      expected_(nodes_),
      page_{0},
      use_(1, std::vector<Bytes>(nodes_)),
      limit_(1, std::vector<Bytes>(nodes_)),
      apart_(snapshot.groups.size(), std::vector<int>(nodes_)) {
    const Topology& topology = snapshot.topology;
    for (std::size_t n = 0; n < nodes_; ++n) {
        const HostNode& node = topology.nodes[n];
        demand_[n] = node.other_use;
        use_[0][n] = node.memory_total - node.memory_available;
        limit_[0][n] = filled_at_most(node, settings_);
        for (std::size_t m = 0; m < nodes_; ++m) {
            excess_[n][m] = excess_of(topology.distances[n][m]);
            if (node.cpus > 0 && topology.nodes[m].cpus > 0)
                farthest_ = std::max(farthest_, excess_[n][m]);
        }
    }
    for (const CellState* cell : bystanders)
        add_bystander(*cell);
    for (const HeldApart& held : held_apart)
        hold_apart(held, 1);
    own_.resize(units_.size() * nodes_);
    NodeSet full;  // as it is now
    for (std::size_t n = 0; n < nodes_; ++n)
        if (is_short_of_memory(NodeIndex(n))) full.insert(NodeIndex(n));
    for (std::size_t i = 0; i < units_.size(); ++i) {
        units_[i].use = 0;
        for (Unit::Part& part : units_[i].parts)
            add_part(i, part, full);
        count(units_[i], 1);
    }
    for (std::size_t n = 0; n < nodes_; ++n)
        load_cost_.push_back(node_cost(topology.nodes[n], demand_[n], settings_));
}

// Where it is confined to, and there will be what it has not touched yet; or else as its memory is.
void Placement::add_bystander(const CellState& cell) {
    if (cell.confined_to) {
        demand_[*cell.confined_to] += cell.cpu_use;
        use_[0][*cell.confined_to] += growth_at(cell, *cell.confined_to);
        return;
    }
    // Where it will really be nobody knows: that is no reason to leave, but one not to come.
    for (std::size_t n = 0; n < nodes_; ++n) {
        demand_[n] += use_by_memory(cell, n);
        expected_[n] += growth_at(cell, NodeIndex(n));
    }
}

void Placement::add_part(std::size_t index, Unit::Part& part, NodeSet full) {
    const CellState& cell = *part.cell;
    units_[index].use += cell.cpu_use;
    part.pool = pool_of(cell.huge_page);
    part.stays_at = {};
    part.full = full_bytes(cell);
    part.untouched = part.full - total_bytes(cell);
    const bool lazy = part.guest->policy.memory == MemoryPolicy::lazy;
    // Out of a node that is full memory follows, however little it is used, where it has room.
    bool in_the_way = false;
    for (std::size_t n = 0; !full.empty() && n < nodes_; ++n)
        in_the_way |=
            part.pool == 0 && full.contains(NodeIndex(n)) && cell.residency[n] > settled_bytes;
    const auto makes_room = [&](std::size_t home) {
        const HostNode& node = topology_->nodes[home];
        const Bytes use = node.memory_total - node.memory_available;
        return in_the_way &&
               use + part.full - cell.residency[home] <= filled_at_most(node, settings_);
    };
    // Devices serve all vCPUs alike, and no more than these ask them to. What a guest will do that
    // has touched less than half of its memory, nobody knows.
    Cost all_shares = 0;
    MilliCpu use_of_guest = 0;
    for (const CellState& other : part.guest->cells)
        all_shares += other.vcpus, use_of_guest += other.cpu_use;
    const auto devices = static_cast<MilliCpu>(part.guest->devices.size());
    MilliCpu use_of_device = device_use;
    const bool young = 2 * total_bytes(cell) < part.full;
    if (!young && devices > 0)
        use_of_device = std::min(device_use, use_of_guest / device_use_divisor / devices);
    const Cost share = all_shares > 0 ? cell.vcpus : 1;
    all_shares = std::max<Cost>(all_shares, 1);
    CellCosts costs(cell, *topology_, settings_);
    for (std::size_t n = 0; n < nodes_; ++n) {
        const CellCost cost = costs.at(NodeIndex(n));
        const bool stays = !cell.movable || (lazy && cost.stay < cost.move && !makes_room(n));
        if (stays) part.stays_at.insert(NodeIndex(n));
        Cost own = stays ? cost.stay : cost.move;
        for (const NodeIndex device : part.guest->devices)
            own += traffic_cost(use_of_device, excess_[n][device], settings_) * share / all_shares;
        own_[index * nodes_ + n] += weighted(own, part.guest->policy.priority);
        // What is there of it is counted with its unit; of a pool only what is free is told.
        Bytes& there = part.pool == 0 ? use_[0][n] : limit_[part.pool][n];
        there += (part.pool == 0 ? -1 : 1) * cell.residency[n];
    }
}

std::size_t Placement::pool_of(Bytes huge_page) {
    const auto known = std::find(page_.begin(), page_.end(), huge_page);
    if (known != page_.end()) return static_cast<std::size_t>(known - page_.begin());
    page_.push_back(huge_page);
    use_.emplace_back(nodes_);
    std::vector<Bytes>& limit = limit_.emplace_back(nodes_);
    for (std::size_t n = 0; n < nodes_; ++n) {
        const auto& pools = topology_->nodes[n].huge_available;
        const auto pool = pools.find(huge_page);
        limit[n] = pool == pools.end() ? 0 : pool->second;
    }
    return page_.size() - 1;
}

void Placement::hold_apart(const HeldApart& held, int sign) {
    apart_[held.group][held.node] += sign;
    own_apart_[{held.guest, held.node}] += sign;
}

int Placement::others_apart(const Unit& unit, NodeIndex node) const {
    const auto own = own_apart_.find({unit.parts.front().guest, node});
    return apart_[*unit.apart_group][node] - (own == own_apart_.end() ? 0 : own->second);
}

Bytes Placement::filled(const Unit& unit, std::size_t pool, NodeIndex node,
                        std::optional<NodeIndex> home) const {
    Bytes bytes = 0;
    for (const Unit::Part& part : unit.parts)
        if (part.pool == pool) bytes += filled_by(part, node, home, unit.lifted);
    return bytes;
}

MilliCpu Placement::use_at(const Unit& unit, NodeIndex node) const {
    if (unit.home) return unit.home == node ? unit.use : 0;
    MilliCpu use = 0;
    if (!unit.lifted)
        for (const Unit::Part& part : unit.parts)
            use += use_by_memory(*part.cell, node);
    return use;
}

void Placement::count(const Unit& unit, int sign) {
    if (unit.home && unit.apart_group)
        hold_apart({*unit.apart_group, *unit.home, unit.parts.front().guest}, sign);
    for (std::size_t n = 0; n < nodes_; ++n) {
        const NodeIndex node(n);
        demand_[n] += sign * use_at(unit, node);
        for (const Unit::Part& part : unit.parts)
            use_[part.pool][n] += sign * filled_by(part, node, unit.home, unit.lifted);
    }
}

void Placement::change(Unit& unit, std::optional<NodeIndex> home, bool lifted) {
    const std::optional<NodeIndex> former = unit.home;
    const bool anywhere = (!former && !unit.lifted) || (!home && !lifted);
    count(unit, -1);
    unit.home = home;
    unit.lifted = lifted;
    count(unit, 1);
    for (std::size_t n = 0; n < nodes_; ++n)
        if (anywhere || former == NodeIndex(n) || home == NodeIndex(n))
            load_cost_[n] = node_cost(topology_->nodes[n], demand_[n], settings_);
}

void Placement::put(std::size_t index, std::optional<NodeIndex> home) {
    change(units_[index], home, false);
}

void Placement::lift(std::size_t index) {
    change(units_[index], std::nullopt, true);
}

Bytes Placement::overfull() const {
    Bytes sum = 0;
    for (std::size_t pool = 0; pool < page_.size(); ++pool)
        for (std::size_t n = 0; n < nodes_; ++n)
            sum += std::max<Bytes>(-room(NodeIndex(n), pool), 0);
    return sum;
}

Bytes Placement::above_watermark(NodeIndex node, Bytes more) const {
    return std::max<Bytes>(use_[0][node] + more - limit_[0][node], 0);
}

Bytes Placement::freed_by_leaving(const Unit& unit, NodeIndex node) const {
    Bytes bytes = filled(unit, 0, node, node);
    for (const Unit::Part& part : unit.parts)
        if (part.pool == 0 && !part.cell->movable) bytes -= part.cell->residency[node];
    return bytes;
}

Bytes Placement::brought(const Unit& unit, std::size_t pool, NodeIndex node) const {
    if (unit.home == node) return 0;
    return filled(unit, pool, node, node) - filled(unit, pool, node, unit.home);
}

Bytes Placement::swapped(const Unit& coming, const Unit& leaving, std::size_t pool) const {
    const NodeIndex node = *leaving.home;
    return brought(coming, pool, node) + filled(leaving, pool, node, coming.home) -
           filled(leaving, pool, node, node);
}

Placement::Marginal Placement::least(std::size_t index, NodeIndex node) const {
    const Unit& unit = units_[index];
    const MilliCpu others = demand_[node] - use_at(unit, node);
    const auto under = [&](MilliCpu demand) {
        return demand == demand_[node] ? load_cost_[node]
                                       : node_cost(topology_->nodes[node], demand, settings_);
    };
    const Cost load = under(others + unit.use) - under(others);
    return {own(index, node) + load, load};
}

Placement::Marginal Placement::marginal(std::size_t index, NodeIndex node) const {
    const Unit& unit = units_[index];
    Marginal cost = least(index, node);
    if (const Bytes above = above_watermark(node, brought(unit, 0, node)); above > 0)
        cost.all += pressure_cost(std::min(above, freed_by_leaving(unit, node)), settings_);
    for (const Unit::Coupling& coupling : unit.couplings) {
        const std::optional<NodeIndex> other = units_[coupling.other].home;
        if (!other) continue;
        cost.all += coupling_cost(coupling, node, *other);
    }
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
    const Unit &first = units_[a], &second = units_[b];
    const NodeIndex home_a = *first.home, home_b = *second.home;
    const MilliCpu shift = second.use - first.use;  // of demand, from b's home to a's
    Marginal gain;
    gain.load = load_cost_[home_a] + load_cost_[home_b] -
                node_cost(topology_->nodes[home_a], demand_[home_a] + shift, settings_) -
                node_cost(topology_->nodes[home_b], demand_[home_b] - shift, settings_);
    gain.all = gain.load + own(a, home_a) + own(b, home_b) - own(a, home_b) - own(b, home_a);
    // That between the two is as long afterwards as before.
    const auto couplings = [&](const Unit& unit, std::size_t partner, NodeIndex from,
                               NodeIndex to) {
        Cost saved = 0;
        for (const Unit::Coupling& coupling : unit.couplings)
            if (const auto other = units_[coupling.other].home; other && coupling.other != partner)
                saved +=
                    coupling_cost(coupling, from, *other) - coupling_cost(coupling, to, *other);
        return saved;
    };
    gain.all += couplings(first, b, home_a, home_b) + couplings(second, a, home_b, home_a);
    const Bytes to_a = swapped(second, first, 0), to_b = swapped(first, second, 0);
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
    for (std::size_t i = 0; i < units_.size(); ++i) {
        const Unit& unit = units_[i];
        if (!unit.home) continue;
        sum += own(i, *unit.home);
        Cost couplings = 0;  // each is there twice
        for (const Unit::Coupling& coupling : unit.couplings)
            if (const auto other = units_[coupling.other].home)
                couplings += coupling_cost(coupling, *unit.home, *other);
        sum += couplings / 2;
    }
    return sum;
}

PerMille Placement::load_of(NodeIndex node) const {
    return demand_[node] * 1000 / std::max<MilliCpu>(topology_->nodes[node].cpu_capacity, 1);
}

bool Placement::balance_counts(NodeIndex a, NodeIndex b) const {
    constexpr PerMille fully_used = 1000;
    const PerMille load_a = load_of(a), load_b = load_of(b);
    return std::max(load_a, load_b) > fully_used ||
           std::max(load_a - load_b, load_b - load_a) >= settings_.imbalance;
}

}  // namespace vnuma
