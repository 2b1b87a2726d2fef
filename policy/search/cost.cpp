#include "policy/search/cost.hpp"

#include <algorithm>

namespace vnuma {
namespace {

constexpr Bytes gib = 1024 * mib;

}  // namespace

CellCosts::CellCosts(const CellState& cell, const Topology& topology,
                     const PlannerSettings& settings)
    : cell_(cell), topology_(topology), settings_(settings), total_bytes_(total_bytes(cell)) {
    // Bytes stand for accesses where no heat is known.
    weigh(cell.heat);
    if (all_weights_ == 0) weigh(cell.residency);
}

void CellCosts::weigh(const std::vector<Bytes>& bytes) {
    weights_count_ = 0;
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        if (bytes[n] < mib) continue;
        weights_[weights_count_++] = {n, bytes[n] / mib};
        all_weights_ += bytes[n] / mib;
    }
}

std::int64_t CellCosts::excess_from(std::size_t node) const {
    const std::vector<int>& distances = topology_.distances[node];
    std::int64_t excess = 0;
    for (std::size_t i = 0; i < weights_count_; ++i)
        excess += weights_[i].mib * (distances[weights_[i].node] - local_distance);
    return excess;
}

CellCost CellCosts::at(NodeIndex home, NodeIndex memory) {
    const std::int64_t excess = excess_from(home);
    const Bytes away = (total_bytes_ - cell_.residency[memory]) / mib;
    const int distance = topology_.distances[home][memory];
    if (excess == last_excess_ && away == last_away_ && distance == last_distance_) return last_;
    last_excess_ = excess, last_away_ = away, last_distance_ = distance;
    // A cell that has no memory yet will have it on the memory node.
    const PerMille excess_then = excess_of(distance);
    const MilliCpu lost =
        lost_rate(all_weights_ == 0 ? excess_then : excess * 1000 / local_distance / all_weights_);
    last_.stay = last_.move = lost * settings_.horizon / 1000;
    if (!cell_.movable) return last_;
    // Memory arrives evenly, so half of it is still away on average while the move lasts. A move
    // that outlasts the horizon counts only as far as the horizon.
    const Millis move_time = away * 1000 / std::max<Bytes>(settings_.pace / mib, 1);
    const Millis away_for =
        move_time <= settings_.horizon
            ? move_time / 2
            : settings_.horizon - settings_.horizon * settings_.horizon / (2 * move_time);
    last_.move = lost * away_for / 1000 +
                 lost_rate(excess_then) * (settings_.horizon - away_for) / 1000 +
                 away * move_cost_per_gib / (gib / mib);
    // It is not known how much the memory of a cell without vCPUs is accessed, so it always moves.
    if (cell_.vcpus == 0) last_.stay = std::max(last_.stay, last_.move);
    return last_;
}

Cost CellCosts::roaming(const std::vector<PerMille>& shares) const {
    std::int64_t excess = 0;
    if (all_weights_ > 0) {
        for (std::size_t n = 0; n < shares.size(); ++n)
            excess += shares[n] == 0 ? 0 : shares[n] * excess_from(n);
        return lost_rate(excess / local_distance / all_weights_) * settings_.horizon / 1000;
    }
    for (std::size_t n = 0; n < shares.size(); ++n)
        for (std::size_t m = 0; m < shares.size(); ++m)
            excess += shares[n] * shares[m] * excess_of(topology_.distances[n][m]) / 1000;
    return lost_rate(excess / 1000) * settings_.horizon / 1000;
}

Cost load_cost(MilliCpu capacity, MilliCpu siblings, MilliCpu demand,
               const PlannerSettings& settings) {
    if (demand <= 0) return 0;
    capacity = std::max<MilliCpu>(capacity, 1);
    const MilliCpu shares_cores = std::max<MilliCpu>(demand - (capacity - siblings), 0);
    const MilliCpu above =
        shares_cores - std::min(shares_cores * sibling_capacity / core_capacity, siblings);
    const MilliCpu within = std::min(demand, capacity);
    return (above + within * within / capacity / crowding_divisor) * settings.horizon / 1000;
}

Cost pressure_cost(Bytes above, const PlannerSettings& settings) {
    if (above <= 0) return 0;
    return above / mib * pressure_per_gib / (gib / mib) * settings.horizon / 1000;
}

Cost traffic_cost(MilliCpu traffic, PerMille excess, const PlannerSettings& settings) {
    return traffic * excess / 1000 * memory_bound / 1000 * settings.horizon / 1000;
}

Cost sibling_cost(MilliCpu use, const PlannerSettings& settings) {
    return use / sibling_divisor * settings.horizon / 1000;
}

}  // namespace vnuma
