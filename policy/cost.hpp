// What a placement costs, in CPU milliseconds lost over the horizon. Every term has its one place
// here, with its unit and where its constant comes from; docs/policy.md explains them by example.
#pragma once

#include "policy/plan.hpp"
#include "policy/snapshot.hpp"

namespace vnuma {

struct PlannerSettings {
    Millis horizon = 60'000;     // a move has to pay back within this
    PerMille margin = 125;       // and to win by this share
    Millis cool_down = 300'000;  // between two homes of one cell
    Bytes pace = 256 * mib;      // memory moved in a second
    PerMille watermark = 50;     // of each node's memory that is never filled
};

// Share of a vCPU's time that waits for memory, and so grows with distance. Unknown for a guest
// without performance counters; half is between compute-bound and pointer-chasing loads.
inline constexpr PerMille memory_bound = 500;
// Copying, unmapping and faulting again: 1 GiB a second on one CPU. An assumption: real hosts lie
// on both sides of it, and a factor of two changes only which close calls are moved.
inline constexpr Cost move_cost_per_gib = 1000;
// Load on a node below its capacity still shares caches, memory bandwidth and run queues. An
// eighth keeps this a reason to spread, never a reason to go far from one's memory.
inline constexpr Cost crowding_divisor = 8;
// Cells of one guest on one node: its kernel believes they are apart and spreads work over them.
inline constexpr Cost sibling_divisor = 8;

inline constexpr int local_distance = 10;

// The cell's own part: accesses that stay remote, accesses that are remote while its memory moves,
// and the moving.
Cost cell_cost(const CellState& cell, NodeIndex home, const Topology& topology,
               const PlannerSettings& settings);

// A node's part, under the CPU demand of all cells placed there.
Cost node_cost(const HostNode& node, MilliCpu demand, const PlannerSettings& settings);

// For each pair of cells of one guest on one node.
Cost sibling_cost(const CellState& a, const CellState& b, const PlannerSettings& settings);

}  // namespace vnuma
