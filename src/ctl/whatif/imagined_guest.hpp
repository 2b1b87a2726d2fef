// A guest whose homes and memory follow another planner's decisions, while all else is as recorded.
// Pure.
#pragma once

#include "policy/model/plan.hpp"
#include "policy/model/planner_settings.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma::ctl {

// The guest as recorded in this tick, but with its pins and the places of its memory as they were
// imagined in the tick before. Memory that is new comes to the node that the vCPUs are confined to,
// or else to where it came in the recording. Memory that is gone is gone everywhere alike. Each
// node's heat is scaled to the sum that was recorded.
GuestState carried_over(GuestState recorded, const GuestState& before, const Topology& topology);

void carry_out(const PinCell& pin, GuestState& guest);
void carry_out(const UnpinCell& unpin, GuestState& guest);

// Moves up to `most` bytes, as far as the target has room above its watermark, and returns how
// many. Heat moves with its memory. Updates what the nodes have available.
Bytes carry_out(const MoveMemory& move, GuestState& guest, Topology& topology,
                const PlannerSettings& settings, Bytes most);

// Changes what the nodes have available by the difference between the memory of the guests as
// recorded and as imagined. Both have the same guests in the same order.
void account_for(const std::vector<GuestState>& recorded, const std::vector<GuestState>& imagined,
                 Topology& topology);

}  // namespace vnuma::ctl
