// From a snapshot to what can be placed: units, and verdicts for what cannot. Pure.
#pragma once

#include <deque>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/model/planner_settings.hpp"
#include "policy/units/split.hpp"
#include "policy/units/unit.hpp"

namespace vnuma {

// A cell that is no unit, and why.
struct Refusal {
    const CellState* cell = nullptr;
    Verdict verdict;
};

// Holds cells that its units point into.
struct Units {
    std::vector<Unit> acting{};   // ordered by the keys of their first parts
    std::vector<Unit> watched{};  // of guests that nothing is done to: what would be is said
    std::vector<Refusal> refusals{};
    std::deque<CellState> shard_cells{};
    std::vector<HeldApart> held_apart{};     // by cells that are no acting units
    std::map<std::string, Shards> shards{};  // by uuid, of guests that are placed in shards
};

Units choose_units(const Snapshot& snapshot, const History& history,
                   const PlannerSettings& settings);

}  // namespace vnuma
