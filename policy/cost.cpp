#include "policy/cost.hpp"

#include <algorithm>

namespace vnuma {
namespace {

constexpr Bytes gib = Bytes{1} << 30;

// Mean extra distance of the cell's accesses from `home`, in thousandths of the local distance.
PerMille mean_excess(const CellState& cell, NodeIndex home, const Topology& topology) {
    const Bytes total = std::max<Bytes>(total_bytes(cell) / mib, 1);
    std::int64_t sum = 0;
    for (std::size_t from = 0; from < cell.residency.size(); ++from)
        sum += cell.residency[from] / mib * (topology.distances[home][from] - local_distance);
    return sum * 1000 / local_distance / total;
}

}  // namespace

Cost cell_cost(const CellState& cell, NodeIndex home, const Topology& topology,
               const PlannerSettings& settings) {
    const Bytes away = total_bytes(cell) - cell.residency[home];
    Millis remote_for = settings.horizon;
    Cost moving = 0;
    if (cell.movable) {
        // Memory arrives evenly, so half of it is remote on average while the move lasts; of a
        // move that outlasts the horizon, only the part inside it counts.
        const Millis move_time = away / mib * 1000 / std::max<Bytes>(settings.pace / mib, 1);
        remote_for = move_time <= settings.horizon
                         ? move_time / 2
                         : settings.horizon - settings.horizon * settings.horizon / (2 * move_time);
        moving = away / mib * move_cost_per_gib / (gib / mib);
    }
    const std::int64_t lost_rate =  // milli-CPU
        cell.cpu_use * mean_excess(cell, home, topology) / 1000 * memory_bound / 1000;
    return lost_rate * remote_for / 1000 + moving;
}

Cost node_cost(const HostNode& node, MilliCpu demand, const PlannerSettings& settings) {
    if (demand <= 0) return 0;
    const MilliCpu capacity = std::max<MilliCpu>(node.cpu_capacity, 1);
    const MilliCpu above = std::max<MilliCpu>(demand - capacity, 0);
    const MilliCpu crowding = std::min(demand, capacity) * std::min(demand, capacity) / capacity;
    return (above + crowding / crowding_divisor) * settings.horizon / 1000;
}

Cost sibling_cost(const CellState& a, const CellState& b, const PlannerSettings& settings) {
    return std::min(a.cpu_use, b.cpu_use) / sibling_divisor * settings.horizon / 1000;
}

}  // namespace vnuma
