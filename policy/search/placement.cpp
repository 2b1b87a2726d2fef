#include "policy/search/placement.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace vnuma {

MilliCpu Placement::use_by_memory(const CellState& cell, NodeIndex node) {
    const Bytes total = std::max<Bytes>(total_bytes(cell) / mib, 1);
    return cell.cpu_use * (cell.residency[node] / mib) / total;
}

void Placement::hold_apart(const HeldApart& held, int sign) {
    apart_[held.group][held.node] += sign;
    own_apart_[{held.guest, held.node}] += sign;
}

void Placement::count(std::size_t index, int sign) {
    const Unit& input = (*units_)[index];
    const PlacedUnit& unit = placed_[index];
    if (unit.home && input.apart_group)
        hold_apart({*input.apart_group, *unit.home, input.parts.front().guest}, sign);
    for (std::size_t n = 0; n < nodes_; ++n) {
        const NodeIndex node(n);
        for (const Part& part : parts(index))
            use_[part.pool][n] += sign * bytes_on(part, node, unit.home, unit.taken_off);
    }
    if (!unit.taken_off) load_.add(demand_at(index, unit.home, sign));
}

void Placement::change(std::size_t index, Place place, bool taken_off) {
    PlacedUnit& unit = placed_[index];
    count(index, -1);
    unit.home = place;
    unit.taken_off = taken_off;
    count(index, 1);
}

void Placement::put(std::size_t unit, Place place) {
    change(unit, place, false);
}

void Placement::take_off(std::size_t unit) {
    change(unit, std::nullopt, true);
}

Placement::Excess Placement::above_limits() const {
    Excess above;
    above.reserve(page_.size() * nodes_);
    for (std::size_t pool = 0; pool < page_.size(); ++pool)
        for (std::size_t n = 0; n < nodes_; ++n)
            above.push_back(std::max<Bytes>(-room(NodeIndex(n), pool), 0));
    return above;
}

bool Placement::is_further_above(const Excess& before) const {
    const Excess now = above_limits();
    return !std::equal(now.begin(), now.end(), before.begin(), std::less_equal());
}

Bytes Placement::above_watermark(NodeIndex node, Bytes more) const {
    return std::max<Bytes>(use_[0][node] + more - limit_[0][node], 0);
}

Bytes Placement::added_bytes(std::size_t index, std::size_t pool, NodeIndex node, Place from,
                             Place to) const {
    const bool taken_off = placed_[index].taken_off;
    Bytes added = 0;
    for (const Part& part : parts(index))
        if (part.pool == pool)
            added += bytes_on(part, node, to, false) - bytes_on(part, node, from, taken_off);
    return added;
}

Bytes Placement::brought(std::size_t unit, std::size_t pool, NodeIndex to) const {
    return added_bytes(unit, pool, memory_of(to), home(unit), to);
}

Bytes Placement::brought_by_swap(std::size_t coming, std::size_t leaving, std::size_t pool) const {
    const NodeIndex to = *home(leaving);
    return added_bytes(coming, pool, memory_of(to), home(coming), to) +
           added_bytes(leaving, pool, memory_of(to), to, home(coming));
}

Bytes Placement::freed_by_leaving(std::size_t unit, NodeIndex from) const {
    const NodeIndex node = memory_of(from);
    Bytes bytes = 0;
    for (const Part& part : parts(unit))
        if (part.pool == 0)
            bytes += bytes_on(part, node, from, false) -
                     (part.cell->movable ? 0 : part.cell->residency[node]);
    return bytes;
}

Cost Placement::pressure_at(std::size_t unit, Place place) const {
    if (place) {
        const Bytes above = above_watermark(memory_of(*place), brought(unit, 0, *place));
        if (above == 0) return 0;
        return pressure_cost(std::min(above, freed_by_leaving(unit, *place)), settings_);
    }
    Cost cost = 0;
    for (std::size_t n = 0; n < nodes_; ++n) {
        const NodeIndex node(n);
        const Bytes above = above_watermark(node, added_bytes(unit, 0, node, home(unit), roaming));
        if (above == 0) continue;
        Bytes movable = 0;
        for (const Part& part : parts(unit))
            if (part.pool == 0 && part.cell->movable) movable += part.cell->residency[n];
        cost += pressure_cost(std::min(above, movable), settings_);
    }
    return cost;
}

Placement::Marginal Placement::least_marginal(std::size_t unit, Place place) const {
    const CpuLoad::Demand now = demand_at(unit, home(unit));
    const Cost load =
        load_.cost_of_placing(demand_at(unit, place), placed_[unit].taken_off ? nullptr : &now);
    return {own_cost(unit, place) + load, load};
}

Placement::Marginal Placement::marginal(std::size_t unit, Place place) const {
    Marginal cost = least_marginal(unit, place);
    cost.all += pressure_at(unit, place);
    for (const Unit::Coupling& coupling : units()[unit].couplings)
        if (!placed_[coupling.other].taken_off)
            cost.all += coupling_cost(coupling, place, home(coupling.other));
    return cost;
}

// Cells that roam may run on one node at any time, whatever the guest's kernel believes.
Cost Placement::coupling_cost(const Unit::Coupling& coupling, Place here, Place other) const {
    const bool may_be_together = here == other || !here || !other;
    if (!may_be_together || (coupling.sibling == 0 && !(here && here == other)))
        return traffic_cost(coupling.traffic, excess_[index_of(here)][index_of(other)], settings_);
    if (coupling.sibling == 0) return 0;
    return std::max(
        sibling_cost(coupling.sibling, settings_),
        sibling_over_farthest * traffic_cost(coupling.traffic, farthest_, settings_) / 1000);
}

Placement::Marginal Placement::swap_gain(std::size_t a, std::size_t b) const {
    const NodeIndex home_a = *home(a), home_b = *home(b);
    const std::array changes{demand_at(a, home_a, -1), demand_at(b, home_b, -1),
                             demand_at(a, home_b), demand_at(b, home_a)};
    Marginal gain;
    gain.load = -load_.cost_of(changes);
    gain.all = gain.load + own_cost(a, home_a) + own_cost(b, home_b) - own_cost(a, home_b) -
               own_cost(b, home_a);
    // Accesses between the two have as far to go after the swap as before.
    const auto coupling_gain = [&](std::size_t unit, std::size_t partner, Place from, Place to) {
        Cost saved = 0;
        for (const Unit::Coupling& coupling : units()[unit].couplings) {
            const Place other = home(coupling.other);
            if (coupling.other != partner && !placed_[coupling.other].taken_off)
                saved += coupling_cost(coupling, from, other) - coupling_cost(coupling, to, other);
        }
        return saved;
    };
    gain.all += coupling_gain(a, b, home_a, home_b) + coupling_gain(b, a, home_b, home_a);
    gain.all += pressure_gain(a, b);
    return gain;
}

Cost Placement::pressure_gain(std::size_t a, std::size_t b) const {
    const NodeIndex memory_a = memory_of(*home(a)), memory_b = memory_of(*home(b));
    // On most hosts no unit is large enough to bring a node above its watermark.
    if (memory_a == memory_b || (above_watermark(memory_a, placed_[b].ordinary_full) == 0 &&
                                 above_watermark(memory_b, placed_[a].ordinary_full) == 0))
        return 0;
    const Bytes to_a = brought_by_swap(b, a, 0), to_b = brought_by_swap(a, b, 0);
    return pressure_cost(above_watermark(memory_a, 0), settings_) +
           pressure_cost(above_watermark(memory_b, 0), settings_) -
           pressure_cost(above_watermark(memory_a, to_a), settings_) -
           pressure_cost(above_watermark(memory_b, to_b), settings_);
}

Cost Placement::load() const {
    return load_.cost();
}

Cost Placement::total() const {
    Cost sum = load();
    for (std::size_t n = 0; n < nodes_; ++n)
        sum += pressure_cost(above_watermark(NodeIndex(n), 0), settings_);
    for (std::size_t i = 0; i < placed_.size(); ++i) {
        if (placed_[i].taken_off) continue;
        sum += own_cost(i, home(i));
        Cost couplings = 0;  // both units of a coupling have it
        for (const Unit::Coupling& coupling : units()[i].couplings)
            if (!placed_[coupling.other].taken_off)
                couplings += coupling_cost(coupling, home(i), home(coupling.other));
        sum += couplings / 2;
    }
    return sum;
}

PerMille Placement::load_of(std::size_t unit, NodeIndex node) const {
    const CpuLoad::Place place{placed_[unit].mask, node};
    return load_.demand(place) * 1000 / std::max<MilliCpu>(load_.capacity(place), 1);
}

bool Placement::load_matters(std::size_t unit, NodeIndex from, Place to) const {
    if (!to) {
        const CpuLoad::Place place{placed_[unit].mask, from};
        return load_.demand(place) > load_.capacity(place);
    }
    constexpr PerMille fully_used = 1000;
    const PerMille here = load_of(unit, from), there = load_of(unit, *to);
    return std::max(here, there) > fully_used ||
           std::max(here - there, there - here) >= settings_.imbalance;
}

}  // namespace vnuma
