// What the planner thinks of a home by hand. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/model/planner_settings.hpp"
#include "policy/model/snapshot.hpp"
#include "src/control/protocol/orders.hpp"
#include "src/control/protocol/requests.hpp"

namespace vnuma::control {

// The node of each cell as a request gives them: one for all cells; or one for each cell that has
// vCPUs or memory, in their order; or one for each cell, by its number.
std::variant<HomeOfCell, Refused> homes_of_cells(const GuestState& guest,
                                                 const std::vector<int>& nodes);

struct MoveOpinion {
    // Whether owner, policy, group and the room on the host let the guest be there. If they do not,
    // it is refused whoever forces it.
    bool possible = false;
    bool costs_more = false;  // there than where it is
    std::string text;         // one sentence with all numbers

    bool is_accepted(bool force) const { return possible && (force || !costs_more); }
};

// Plans twice: with the homes fixed by policy, and without. Costs are compared with those of
// keeping the guest where it is now. `history` is what the last plan was made with. The guest is
// that of the snapshot with this index.
MoveOpinion judge_move(const Snapshot& snapshot, const History& history,
                       const PlannerSettings& settings, std::size_t guest, const HomeOfCell& homes);

}  // namespace vnuma::control
