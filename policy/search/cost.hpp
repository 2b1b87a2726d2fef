// What a placement costs, in CPU milliseconds lost over the horizon. Every term has its one place
// here, with its unit and where its constant comes from; docs/policy.md explains them by example.
#pragma once

#include <array>

#include "policy/model/planner_settings.hpp"

namespace vnuma {

// Share of a vCPU's time that waits for memory, and so grows with distance. Unknown for a guest
// without performance counters; half is between compute-bound and pointer-chasing loads.
inline constexpr PerMille memory_bound = 500;
// Copying, unmapping and faulting again: 1 GiB a second on one CPU. An assumption: real hosts lie
// on both sides of it, and a factor of two changes only which close calls are moved.
inline constexpr Cost move_cost_per_gib = 1000;
// Load on a node below its capacity still shares caches, memory bandwidth and run queues. An
// eighth keeps this a reason to spread, never a reason to go far from one's memory.
inline constexpr Cost crowding_divisor = 8;
// Cells of one guest on one node: its kernel believes they are apart and spreads work over them. So
// it will once it has some, and homes last: a vCPU counts as a quarter in use at least, and of two
// cells the busier counts. A quarter is more than what neighbours save, up to a distance of 30;
// where the host has greater ones, it is a tenth more than what neighbours save at the greatest:
// one cell on a node before there are two, unless memory or contention weighs more.
inline constexpr Cost sibling_divisor = 4;
inline constexpr PerMille sibling_over_farthest = 1100;
// CPU time that a device assigned to a guest makes go over the interconnect when it is remote:
// interrupts, rings and buffers. An assumption: a twentieth of a CPU for each device.
inline constexpr MilliCpu device_use = 50;
// But of all devices of a guest that does little, no more than such a part of its CPU use: that is
// no reason to leave its memory for a card that many share.
inline constexpr MilliCpu device_use_divisor = 4;
// Two cells that exchange their homes pass each other's memory through what one of the nodes has
// left, tick by tick.
inline constexpr Bytes passing_room = 64 * mib;
// A node above its watermark swaps or kills soon: a GiB above costs as much as 4 CPUs, so
// that a hundredth of that is worth a move, and locality is none against it.
inline constexpr MilliCpu pressure_per_gib = 4000;

// How much longer an access takes than a local one, in thousandths of that.
inline PerMille excess_of(int distance) {
    return (distance - local_distance) * PerMille{1000} / local_distance;
}

// A cell's own part at a home, in the two ways there are to live there.
struct CellCost {
    Cost stay = 0;  // its memory stays where it is: accesses remain remote for the whole horizon
    Cost move = 0;  // its memory is brought home: remote until it has arrived, and the moving
};

// Of one cell, at any home: what does not depend on the home is worked out once.
// The arguments must outlive it.
class CellCosts {
  public:
    CellCosts(const CellState& cell, const Topology& topology, const PlannerSettings& settings);
    CellCost at(NodeIndex home);

  private:
    void weigh(const std::vector<Bytes>& bytes);

    struct Weight {
        std::size_t node;
        std::int64_t mib;
    };

    const CellState& cell_;
    const Topology& topology_;
    const PlannerSettings& settings_;
    Bytes total_bytes_;
    std::array<Weight, max_host_nodes> weights_;  // of its accesses; where there are any
    std::size_t weights_count_ = 0;
    std::int64_t all_weights_ = 0;
    // Mostly nodes are alike to a cell, but for its own.
    std::int64_t last_excess_ = -1;
    Bytes last_away_ = -1;
    CellCost last_;
};

// A node's part, under the CPU demand of all that is placed there.
Cost node_cost(const HostNode& node, MilliCpu demand, const PlannerSettings& settings);

// Of a node with so many bytes in use above its watermark.
Cost pressure_cost(Bytes above, const PlannerSettings& settings);

// Of accesses between two places: `traffic` is the CPU time of the accesses if they were local.
Cost traffic_cost(MilliCpu traffic, PerMille excess, const PlannerSettings& settings);

// For each pair of cells of one guest on one node: of their uses as siblings the greater.
Cost sibling_cost(MilliCpu use, const PlannerSettings& settings);

}  // namespace vnuma
