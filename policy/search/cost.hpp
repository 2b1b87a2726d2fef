// What a placement costs, in CPU milliseconds lost over the horizon. Every term has its one place
// here, with the source of its constants; docs/policy.md explains the terms by example.
#pragma once

#include <array>

#include "policy/model/planner_settings.hpp"

namespace vnuma {

// Share of a vCPU's time that waits for memory and so grows with the distance of the memory.
// Unknown for a guest without performance counters. Half is between compute-bound and
// pointer-chasing loads.
inline constexpr PerMille memory_bound = 500;
// CPU milliseconds to copy, unmap and fault in 1 GiB: 1 GiB/s on one CPU. An assumption: real hosts
// are slower or faster, and a factor of two changes only which close calls are moved.
inline constexpr Cost move_cost_per_gib = 1000;
// Load below the capacity of a node still shares caches, memory bandwidth and run queues. An eighth
// makes that a reason to spread load, but never a reason to leave large memory.
inline constexpr Cost crowding_divisor = 8;
// Cost of two cells of one guest on the same node: the guest's kernel believes them to be on two
// nodes and spreads work over both. Homes outlast idle times, so a vCPU counts as a quarter in use
// at least (sibling_use), and of the two cells the busier counts. A quarter of that use is more
// than two near nodes save up to a distance of 30. On hosts with greater distances, the cost is 10
// % above what the greatest distance costs. So a guest has one cell on each node before it has two
// on one, unless memory or contention weigh more.
inline constexpr Cost sibling_divisor = 4;
inline constexpr PerMille sibling_over_farthest = 1100;
// CPU time of accesses over the interconnect for a remote device that is assigned to a guest:
// interrupts, rings and buffers. An assumption: a twentieth of a CPU for each device.
inline constexpr MilliCpu device_use = 50;
// All devices of a guest count at most a quarter of its CPU use. So a guest that does little does
// not leave its memory for a card that many guests share.
inline constexpr MilliCpu device_use_divisor = 4;
// Room that one of two nodes must have so that two cells can swap homes on them: their memory
// passes each other through it, tick by tick.
inline constexpr Bytes swap_room = 64 * mib;
// A node above its watermark soon swaps, or its kernel kills processes. So a GiB above it costs as
// much as 4 CPUs: a hundredth of that is worth a move, and locality never outweighs it.
inline constexpr MilliCpu pressure_per_gib = 4000;

// A hundredth of a CPU over the horizon is noise.
inline constexpr Cost cpu_noise_divisor = 100;
// A unit that may not roam roams only where it can have no home: more than whatever a home costs.
// Sums over all units of the largest host fit into 64 bits.
inline constexpr Cost no_roaming_cost = Cost{1} << 44;

// How much longer an access takes than a local one, in thousandths of the local time.
inline PerMille excess_of(int distance) {
    return (distance - local_distance) * PerMille{1000} / local_distance;
}

// What a cell costs at a home by itself, for the two things that its memory can do.
struct CellCost {
    Cost stay = 0;  // memory stays where it is: accesses are remote for the whole horizon
    // Memory moves to the home's memory node: its accesses go where they went until it has arrived,
    // and moving costs.
    Cost move = 0;
};

// Costs of one cell at any home. What does not depend on the home is computed once. The arguments
// must outlive it.
class CellCosts {
  public:
    CellCosts(const CellState& cell, const Topology& topology, const PlannerSettings& settings);
    // `memory` is the home's memory_node().
    CellCost at(NodeIndex home, NodeIndex memory);
    // While the cell roams and runs on each node for this share of its time. Its memory stays where
    // it is; as long as it has none, it is allocated wherever the cell runs.
    Cost roaming(const std::vector<PerMille>& shares) const;

  private:
    void weigh(const std::vector<Bytes>& bytes);
    // Distance beyond that of local memory from a node to the cell's memory, summed over all
    // weights.
    std::int64_t excess_from(std::size_t node) const;
    MilliCpu lost_rate(PerMille mean_excess) const {
        return cell_.cpu_use * mean_excess / 1000 * memory_bound / 1000;
    }

    // Share of the cell's accesses that goes to a node.
    struct Weight {
        std::size_t node;
        std::int64_t mib;
    };

    const CellState& cell_;
    const Topology& topology_;
    const PlannerSettings& settings_;
    Bytes total_bytes_;
    std::array<Weight, max_host_nodes> weights_;  // of nodes with a MiB or more
    std::size_t weights_count_ = 0;
    std::int64_t all_weights_ = 0;
    // The last result and what it came from: to most cells all nodes but one are alike.
    std::int64_t last_excess_ = -1;
    Bytes last_away_ = -1;
    int last_distance_ = -1;  // from the home to its memory node
    CellCost last_;
};

// Cost of CPUs with this capacity under a demand: contention above the capacity, crowding below.
// `siblings` is the part of the capacity that further SMT siblings add: of demand above the cores,
// they serve a fifth, up to that.
Cost load_cost(MilliCpu capacity, MilliCpu siblings, MilliCpu demand,
               const PlannerSettings& settings);

// The same for all CPUs of a node and all that is placed there.
inline Cost node_cost(const HostNode& node, MilliCpu demand, const PlannerSettings& settings) {
    return load_cost(node.cpu_capacity, sibling_part(node), demand, settings);
}

// Cost of a node that has `above` bytes in use above its watermark.
Cost pressure_cost(Bytes above, const PlannerSettings& settings);

// Cost of accesses over a distance. `traffic` is their CPU time if they were local, `excess` that
// of excess_of().
Cost traffic_cost(MilliCpu traffic, PerMille excess, const PlannerSettings& settings);

// Cost of two cells of one guest on the same node. `use` is Unit::Coupling::sibling.
Cost sibling_cost(MilliCpu use, const PlannerSettings& settings);

}  // namespace vnuma
