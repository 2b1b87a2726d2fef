// Which moves of memory begin in this tick. A move is worth its cost if it ends within the horizon,
// and all moves share one pace. So no more begin than that pace brings within the horizon. Pure.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "policy/model/plan.hpp"
#include "policy/model/planner_settings.hpp"

namespace vnuma {

struct MoveRequest {
    MoveMemory move;
    std::size_t verdict = 0;    // index of the cell's verdict in the plan
    Bytes huge_page = 0;        // page size of the pool that the memory is from; 0: ordinary memory
    std::vector<Bytes> from{};  // bytes by node; more than what moves if some of that stays
    bool relieves = false;      // leaves a node that is short of memory
    int priority = 0;           // of the guest
    std::int64_t gain = 0;      // CPU use (thousandths) whose accesses become local, for each GiB

    // The highest rank moves first.
    auto rank() const { return std::tuple(relieves, priority, gain); }
};

struct WaitingMove {
    std::size_t verdict = 0;  // as in MoveRequest
    Bytes queued_behind = 0;  // bytes of all moves with a higher rank
};

struct MoveSchedule {
    std::vector<MoveMemory> begin;  // in the order of their rank
    std::vector<WaitingMove> wait;
};

// The move with the highest rank always begins. With each move that begins, those begin that make
// room for it: two cells that swap homes pass each other. No move overtakes one that waits for any
// other reason, or small moves would starve a large one.
MoveSchedule schedule_moves(std::vector<MoveRequest> moves, const Topology& topology,
                            const PlannerSettings& settings);

}  // namespace vnuma
