// From placed units to a plan: a verdict for every cell and shard, and the actions that follow.
// Pure.
#pragma once

#include <vector>

#include "policy/search/move_schedule.hpp"
#include "policy/search/placement.hpp"
#include "policy/units/choose_units.hpp"
#include "policy/verdict/shard_extents.hpp"

namespace vnuma {

// The arguments of the constructor must outlive it.
class PlanBuilder {
  public:
    PlanBuilder(const Snapshot& snapshot, const PlannerSettings& settings, const Units& chosen);

    void add_refusal(const Refusal& refusal);
    // Units of a placement from `first` on, after the search. `room_before` is the room of each
    // node for ordinary memory before the search; negative where the node was short of memory.
    void add_units(const Placement& placement, std::size_t first,
                   const std::vector<Bytes>& room_before);

    // Chooses the moves that begin, and sorts verdicts by key and actions by kind.
    Plan finish();

  private:
    void add_part(const Placement& placement, std::size_t unit, std::size_t part);
    // Sets the reason of a verdict without a home, and the fields that depend on the reason. `cost`
    // is that of roaming.
    static void explain_roaming(const Placement& placement, std::size_t unit, Cost cost,
                                Verdict& verdict);
    // Sets the reason of a verdict with a home, and the fields that depend on the reason.
    void set_reason(const Placement& placement, std::size_t unit, const CellHistory* known,
                    bool has_arrived, Verdict& verdict) const;
    // Counts the memory of a part that is not at home. `shared_away` are bytes of extents that a
    // shard takes home although other shards access them, too.
    void count_memory_away(const Placement::Part& part, Bytes shared_away, Home& home) const;
    void add_actions(const Unit::Part& part, bool is_confined, const Verdict& verdict,
                     std::vector<std::size_t> extents);
    void request_move(const Unit::Part& part, MoveMemory move);
    void unpin(const CellState& cell, const std::vector<std::size_t>& vcpus);

    const Snapshot& snapshot_;
    const PlannerSettings& settings_;
    const Units& chosen_;
    NodeSet above_watermark_;  // nodes in the snapshot, wherever their memory will go
    std::vector<Bytes> room_before_;
    std::optional<ShardExtents> shard_extents_;
    std::vector<MoveRequest> moves_;
    Plan plan_;
};

}  // namespace vnuma
