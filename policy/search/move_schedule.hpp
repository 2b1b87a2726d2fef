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

// A move that does not begin yet.
struct WaitingMove {
    std::size_t verdict = 0;
    Bytes queued_behind = 0;  // bytes of the moves that come first
};

struct MoveSchedule {
    std::vector<MoveMemory> begin;  // in this tick, in the order of their rank
    std::vector<WaitingMove> wait;
};

// The move with the highest rank always begins, and with each move that begins so do those that
// make room for it: two cells that exchange their homes pass each other.
MoveSchedule schedule_moves(std::vector<WantedMove> moves, const Topology& topology,
                            const PlannerSettings& settings);

}  // namespace vnuma
