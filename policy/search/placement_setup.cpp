// How a placement begins: what nodes, bystanders and units bring with them.
#include <algorithm>

#include "policy/search/placement.hpp"

namespace vnuma {
namespace {

// A guest of the highest priority counts nearly twice, one of the lowest a tenth.
Cost weighted(Cost cost, int priority) {
    return cost * (1000 + 9 * std::clamp(priority, min_priority, max_priority)) / 1000;
}

// The CPU time that the devices of a guest cost a cell at a node. Devices serve all vCPUs alike, so
// a cell has a share of it.
class DeviceCosts {
  public:
    explicit DeviceCosts(const Placement::Part& part, const GuestState& guest) : guest_(guest) {
        MilliCpu use_of_guest = 0;
        for (const CellState& cell : guest.cells)
            all_shares_ += cell.vcpus, use_of_guest += cell.cpu_use;
        // A guest whose memory is less than half accessed may still become busy.
        const bool is_young = 2 * (part.full - part.unallocated) < part.full;
        const auto devices = static_cast<MilliCpu>(guest.devices.size());
        if (!is_young && devices > 0)
            use_ = std::min(device_use, use_of_guest / device_use_divisor / devices);
        share_ = all_shares_ > 0 ? part.cell->vcpus : 1;
        all_shares_ = std::max<Cost>(all_shares_, 1);
    }

    Cost at(const std::vector<PerMille>& excess, const PlannerSettings& settings) const {
        Cost cost = 0;
        for (const NodeIndex device : guest_.devices)
            cost += traffic_cost(use_, excess[device], settings) * share_ / all_shares_;
        return cost;
    }

  private:
    const GuestState& guest_;
    MilliCpu use_ = device_use;  // of each device
    Cost share_ = 0, all_shares_ = 0;
};

}  // namespace

Placement::Placement(const Snapshot& snapshot, const PlannerSettings& settings,
                     const std::vector<Unit>& units,
                     const std::vector<const CellState*>& bystanders,
                     const std::vector<HeldApart>& held_apart)
    : topology_(&snapshot.topology),
      units_(&units),
      settings_(settings),
      nodes_(snapshot.topology.nodes.size()),
      placed_(units.size()),
      own_cost_(units.size() * nodes_),
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
        limit_[0][n] = max_used_memory(node, settings_);
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
    NodeSet short_of_memory;
    for (std::size_t n = 0; n < nodes_; ++n)
        if (is_short_of_memory(NodeIndex(n))) short_of_memory.insert(NodeIndex(n));
    parts_.reserve(units.size());
    for (std::size_t i = 0; i < units.size(); ++i) {
        placed_[i].home = units[i].initial_home;
        placed_[i].first_part = parts_.size();
        placed_[i].part_count = units[i].parts.size();
        for (const Unit::Part& part : units[i].parts)
            add_part(i, part, short_of_memory);
        count(i, 1);
    }
    for (std::size_t n = 0; n < nodes_; ++n)
        load_cost_.push_back(node_cost(topology.nodes[n], demand_[n], settings_));
}

void Placement::add_bystander(const CellState& cell) {
    if (cell.confined_to) {
        demand_[*cell.confined_to] += cell.cpu_use;
        use_[0][*cell.confined_to] += growth_at(cell, *cell.confined_to);
        return;
    }
    // It is not known on which node the guest will allocate memory that it has not accessed yet. So
    // that memory is no reason for other units to leave a node, but it keeps them from coming.
    for (std::size_t n = 0; n < nodes_; ++n) {
        demand_[n] += use_by_memory(cell, NodeIndex(n));
        expected_[n] += growth_at(cell, NodeIndex(n));
    }
}

void Placement::add_part(std::size_t unit, const Unit::Part& input, NodeSet short_of_memory) {
    const CellState& cell = *input.cell;
    Part& part = parts_.emplace_back();
    part.cell = &cell;
    part.pool = find_or_add_pool(cell.huge_page);
    part.full = full_bytes(cell);
    part.unallocated = part.full - total_bytes(cell);
    placed_[unit].cpu_use += cell.cpu_use;
    if (part.pool == 0) placed_[unit].ordinary_full += part.full;
    const bool lazy = input.guest->policy.memory == MemoryPolicy::lazy;
    // Memory follows out of a node that is short of it, however little it is accessed, to a home
    // that has room.
    bool is_in_the_way = false;
    for (std::size_t n = 0; !short_of_memory.empty() && n < nodes_; ++n)
        is_in_the_way |= part.pool == 0 && short_of_memory.contains(NodeIndex(n)) &&
                         cell.residency[n] > settled_bytes;
    const auto makes_room = [&](std::size_t home) {
        const HostNode& node = topology_->nodes[home];
        const Bytes use = node.memory_total - node.memory_available;
        return is_in_the_way &&
               use + part.full - cell.residency[home] <= max_used_memory(node, settings_);
    };
    const DeviceCosts devices(part, *input.guest);
    CellCosts costs(cell, *topology_, settings_);
    for (std::size_t n = 0; n < nodes_; ++n) {
        const CellCost cost = costs.at(NodeIndex(n));
        const bool stays = !cell.movable || (lazy && cost.stay < cost.move && !makes_room(n));
        if (stays) part.stays_at.insert(NodeIndex(n));
        const Cost own = (stays ? cost.stay : cost.move) + devices.at(excess_[n], settings_);
        own_cost_[unit * nodes_ + n] += weighted(own, input.guest->policy.priority);
        // The unit counts this memory from now on. Of a pool the snapshot has only what is free.
        if (part.pool == 0)
            use_[0][n] -= cell.residency[n];
        else
            limit_[part.pool][n] += cell.residency[n];
    }
}

std::size_t Placement::find_or_add_pool(Bytes huge_page) {
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

}  // namespace vnuma
