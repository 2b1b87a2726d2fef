// How a placement begins: what nodes, bystanders and units bring with them.
#include <algorithm>
#include <iterator>

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
      own_cost_(units.size() * (nodes_ + 1)),
      excess_(nodes_ + 1, std::vector<PerMille>(nodes_ + 1)),
      load_(snapshot.topology, settings),
      expected_(nodes_),
      page_{0},
      use_(1, std::vector<Bytes>(nodes_)),
      limit_(1, std::vector<Bytes>(nodes_)),
      apart_(snapshot.groups.size(), std::vector<int>(nodes_)) {
    for (std::size_t n = 0; n < nodes_; ++n) {
        const HostNode& node = topology_->nodes[n];
        memory_node_.push_back(memory_node(*topology_, NodeIndex(n)));
        load_.add({{CpuLoad::all_cpus, NodeIndex(n)}, node.other_use});
        use_[0][n] = node.memory_total - node.memory_available;
        limit_[0][n] = max_used_memory(node, settings_);
    }
    set_distances();
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
        placed_[i].mask = mask_of(units[i]);
        for (const Unit::Part& part : units[i].parts)
            add_part(i, part, short_of_memory);
        price_roaming(i);
        count(i, 1);
    }
}

// While it roams, a unit is as far from a node as the host's CPUs are on average.
void Placement::set_distances() {
    const std::vector<PerMille> shares = load_.shares(CpuLoad::all_cpus);
    for (std::size_t n = 0; n < nodes_; ++n)
        for (std::size_t m = 0; m < nodes_; ++m) {
            const PerMille excess = excess_of(topology_->distances[n][m]);
            excess_[n][m] = excess;
            excess_[n][nodes_] += excess * shares[m] / 1000;
            excess_[nodes_][m] += excess * shares[n] / 1000;
            if (topology_->nodes[n].cpus > 0 && topology_->nodes[m].cpus > 0)
                farthest_ = std::max(farthest_, excess);
        }
    for (std::size_t n = 0; n < nodes_; ++n)
        excess_[nodes_][nodes_] += excess_[nodes_][n] * shares[n] / 1000;
}

CpuLoad::Mask Placement::mask_of(const Unit& unit) {
    std::vector<std::size_t> pools;
    for (const Unit::Part& part : unit.parts) {
        if (part.cell->cpu_pools.empty()) return CpuLoad::all_cpus;
        std::vector<std::size_t> both;
        std::set_union(pools.begin(), pools.end(), part.cell->cpu_pools.begin(),
                       part.cell->cpu_pools.end(), std::back_inserter(both));
        pools = std::move(both);
    }
    return load_.find_or_add(pools);
}

void Placement::add_bystander(const CellState& cell) {
    const CpuLoad::Mask mask = load_.find_or_add(cell.cpu_pools);
    if (cell.confined_to) {
        const NodeIndex memory = memory_of(*cell.confined_to);
        load_.add({{mask, *cell.confined_to}, cell.cpu_use});
        use_[0][memory] += growth_at(*topology_, cell, memory);
        return;
    }
    // It is not known on which node the guest will allocate memory that it has not accessed yet. So
    // that memory is no reason for other units to leave a node, but it keeps them from coming.
    for (std::size_t n = 0; n < nodes_; ++n) {
        load_.add({{mask, NodeIndex(n)}, use_by_memory(cell, NodeIndex(n))});
        expected_[n] += growth_at(*topology_, cell, NodeIndex(n));
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
        const HostNode& node = topology_->nodes[memory_of(NodeIndex(home))];
        const Bytes use = node.memory_total - node.memory_available;
        return is_in_the_way && use + part.full - cell.residency[memory_of(NodeIndex(home))] <=
                                    max_used_memory(node, settings_);
    };
    const DeviceCosts devices(part, *input.guest);
    CellCosts costs(cell, *topology_, settings_);
    Cost most = 0;  // at any home
    for (std::size_t n = 0; n < nodes_; ++n) {
        const CellCost cost = costs.at(NodeIndex(n), memory_of(NodeIndex(n)));
        const bool stays = !cell.movable || (lazy && cost.stay < cost.move && !makes_room(n));
        if (stays) part.stays_at.insert(NodeIndex(n));
        const Cost own = (stays ? cost.stay : cost.move) + devices.at(excess_[n], settings_);
        own_cost_[unit * (nodes_ + 1) + n] += weighted(own, input.guest->policy.priority);
        if ((*units_)[unit].fits.contains(NodeIndex(n))) most = std::max(most, own);
        // The unit counts this memory from now on. Of a pool the snapshot has only what is free.
        if (part.pool == 0)
            use_[0][n] -= cell.residency[n];
        else
            limit_[part.pool][n] += cell.residency[n];
    }
    const std::vector<PerMille> shares = load_.shares(placed_[unit].mask);
    Cost roams = costs.roaming(shares);
    for (std::size_t n = 0; n < nodes_; ++n)
        roams += devices.at(excess_[n], settings_) * shares[n] / 1000;
    // Where all memory is to move in any case, its move is no reason to roam.
    const bool moves = input.guest->policy.memory == MemoryPolicy::eager || cell.vcpus == 0;
    if (moves) roams = std::max(roams, most);
    own_cost_[unit * (nodes_ + 1) + nodes_] += weighted(roams, input.guest->policy.priority);
}

// vCPUs that run on several nodes share data over the interconnect. How much is not known; it
// counts as much as their crowding would if they had the cores of the largest node for themselves.
// So a lower load is no reason to roam as long as some node has the cores. Nor is what is no more
// than noise.
void Placement::price_roaming(std::size_t index) {
    const PlacedUnit& unit = placed_[index];
    const std::vector<PerMille> shares = load_.shares(unit.mask);
    CpuLoad::Place largest{unit.mask, roaming};
    MilliCpu most = 0;
    for (std::size_t n = 0; n < nodes_; ++n) {
        const CpuLoad::Place here{unit.mask, NodeIndex(n)};
        if (shares[n] > 0 && load_.cores(here) > most) most = load_.cores(here), largest = here;
    }
    Cost& cost = own_cost_[index * (nodes_ + 1) + nodes_];
    cost += load_.cost_alone(largest, std::min(unit.cpu_use, most));
    cost += settings_.horizon / cpu_noise_divisor;
    if (!(*units_)[index].may_roam) cost += no_roaming_cost;
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
