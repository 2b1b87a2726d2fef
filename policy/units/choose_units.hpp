// Divides the cells of a snapshot into units, which can be placed, and refusals, which cannot.
// Pure.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/model/planner_settings.hpp"
#include "policy/units/split.hpp"
#include "policy/units/unit.hpp"

namespace vnuma {

// A cell that is not placed, and its verdict.
struct Refusal {
    const CellState* cell = nullptr;
    Verdict verdict;
};

// Units point to cells of the snapshot and to `shard_cells`.
struct Units {
    std::vector<Unit> acting{};  // of guests in mode `act`, sorted by the keys of their first parts
    std::vector<Unit> watched{};  // of guests that are planned and not acted on, sorted likewise
    std::vector<Refusal> refusals{};
    std::deque<CellState> shard_cells{};
    std::vector<HeldApart> held_apart{};    // by cells that are not among `acting`
    std::map<std::string, Split> splits{};  // of guests that are placed in shards, by UUID
};

Units choose_units(const Snapshot& snapshot, const History& history,
                   const PlannerSettings& settings);

}  // namespace vnuma
