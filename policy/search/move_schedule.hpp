// Which of the moves that are wanted have their turn. Each is worth it if it is over within the
// horizon, and all share one pace: so at a time no more than that brings within the horizon. Pure.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "policy/model/plan.hpp"
#include "policy/search/cost.hpp"

namespace vnuma {

struct WantedMove {
    MoveMemory move;
    std::size_t verdict = 0;  // its place among the plan's
    Bytes huge_page = 0;      // of the pool it is from and to; 0: of none
    std::vector<Bytes> from;  // by node; more than what moves where some of it stays
    bool relieves = false;    // it is out of a node that is short of memory
    int priority = 0;
    // Use of CPUs whose accesses become local by it, for each GiB: work that pays best comes first.
    std::int64_t gain = 0;

    auto rank() const { return std::tuple(relieves, priority, gain); }
};

// Adds those whose turn it is to the plan's actions, in the order of their rank; of the others'
// verdicts it is said what they wait for. The first always has its turn, and so has what makes room
// for one that has: two cells that exchange their homes pass each other.
void schedule_moves(std::vector<WantedMove> moves, const Topology& topology,
                    const PlannerSettings& settings, Plan& plan);

}  // namespace vnuma
