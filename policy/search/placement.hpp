// A placement under search: which unit has which home, and what it costs to change that.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/search/cost.hpp"
#include "policy/units/unit.hpp"

namespace vnuma {

class Placement {
  public:
    // Units without a home yet count where their memory is now. `bystanders` are cells that are
    // left alone: what they use counts where they are, and so does `held_apart`.
    Placement(const Snapshot& snapshot, const PlannerSettings& settings, std::vector<Unit> units,
              const std::vector<const CellState*>& bystanders,
              const std::vector<HeldApart>& held_apart);

    const std::vector<Unit>& units() const { return units_; }
    std::size_t node_count() const { return nodes_; }
    const PlannerSettings& settings() const { return settings_; }

    // What a unit costs at a node by itself.
    Cost own(std::size_t unit, NodeIndex node) const { return own_[unit * nodes_ + node]; }
    // What its being at `node` adds to the host's cost, all other units as they are. `load` is the
    // part of it that is CPU load.
    struct Marginal {
        Cost all = 0, load = 0;
    };
    Marginal marginal(std::size_t unit, NodeIndex node) const;
    // What it adds at least, found sooner: without what is short of memory, and what is linked to
    // it.
    Marginal least(std::size_t unit, NodeIndex node) const;
    // What an exchange of their homes saves.
    Marginal swap_gain(std::size_t a, std::size_t b) const;
    // Of all units and nodes, and of it what is CPU load.
    Cost total() const;
    Cost load() const;

    // Why a unit could not go to a node as things are.
    enum class Feasibility { feasible, not_allowed, memory, apart };
    Feasibility feasibility(std::size_t unit, NodeIndex node) const;
    bool can_swap(std::size_t a, std::size_t b) const;
    // Whether memory of those that have other homes here than in `before` can follow: somewhere on
    // its way there has to be room for cells that pass each other.
    bool can_follow(const Placement& before) const;
    // Of its memory, in the pool that lacks most for it, what a node would have to hold beyond what
    // is counted there already, and what that has left.
    struct Room {
        Bytes wanted = 0, left = 0;
    };
    Room room_for(std::size_t unit, NodeIndex node) const;
    // One that it has to be apart from, at a node that has any.
    const GuestState* apart_from(std::size_t unit, NodeIndex node) const;

    // Ordinary memory is the first pool; of huge pages each size is one (Unit::Part::pool).
    std::size_t pool_count() const { return page_.size(); }
    // Below the watermark, or in the pool, once all memory has arrived; negative above it.
    Bytes room(NodeIndex node, std::size_t pool = 0) const {
        return limit_[pool][node] - use_[pool][node];
    }
    // Above the watermarks, and in pools beyond what they have.
    Bytes overfull() const;
    // Whether a node's ordinary memory is in use above its watermark.
    bool is_short_of_memory(NodeIndex node) const { return above_watermark(node, 0) > 0; }
    // Whether a unit's home is short of memory, and less so without it, and this node is not.
    bool relieves(std::size_t unit, NodeIndex to) const;
    // Demand for its CPUs; 1000 is its capacity.
    PerMille load_of(NodeIndex node) const;
    // Whether a lower load is a reason to go from one to the other: one is full, or they differ
    // by PlannerSettings::imbalance.
    bool balance_counts(NodeIndex a, NodeIndex b) const;

    void put(std::size_t unit, std::optional<NodeIndex> home);
    // Takes it out until it is put somewhere.
    void lift(std::size_t unit);

  private:
    Cost coupling_cost(const Unit::Coupling& coupling, NodeIndex here, NodeIndex other) const;
    void add_bystander(const CellState& cell);
    void add_part(std::size_t unit, Unit::Part& part, NodeSet full);
    std::size_t pool_of(Bytes huge_page);
    // What of its demand for CPUs is counted at a node.
    MilliCpu use_at(const Unit& unit, NodeIndex node) const;
    void count(const Unit& unit, int sign);
    // What of a pool on a node a unit would fill if it had this home, or none.
    Bytes filled(const Unit& unit, std::size_t pool, NodeIndex node,
                 std::optional<NodeIndex> home) const;
    void hold_apart(const HeldApart& held, int sign);
    int others_apart(const Unit& unit, NodeIndex node) const;
    void change(Unit& unit, std::optional<NodeIndex> home, bool lifted);
    Bytes above_watermark(NodeIndex node, Bytes more) const;
    // For those that come: what bystanders may still touch keeps them out.
    Bytes left_for_others(NodeIndex node, std::size_t pool) const {
        return room(node, pool) - (pool == 0 ? expected_[node] : 0);
    }
    // Of its ordinary memory what is not there if the unit is elsewhere.
    Bytes freed_by_leaving(const Unit& unit, NodeIndex node) const;
    // That a unit brings to a node, beyond what of it is counted there already.
    Bytes brought(const Unit& unit, std::size_t pool, NodeIndex node) const;
    // Where memory goes from each node, and the nodes on its way that have no room for cells that
    // pass each other.
    struct Flow {
        std::vector<NodeSet> from;
        NodeSet tight;
    };
    void note_flow(const Unit& unit, std::size_t pool, Flow& flow) const;
    // What the home of one of two that exchange their homes gets.
    Bytes swapped(const Unit& coming, const Unit& leaving, std::size_t pool) const;

    const Topology* topology_;
    PlannerSettings settings_;
    std::size_t nodes_;
    std::vector<Unit> units_;
    std::vector<Cost> own_;                      // by unit and node
    std::vector<std::vector<PerMille>> excess_;  // of distances, by node and node
    PerMille farthest_ = 0;                      // of these, between nodes with CPUs
    std::vector<MilliCpu> demand_;               // by node
    std::vector<Bytes> expected_;                // by node: of bystanders that run anywhere
    std::vector<Cost> load_cost_;                // by node, under that demand
    std::vector<Bytes> page_;                    // of each pool; the first is ordinary memory: 0
    std::vector<std::vector<Bytes>> use_;        // by pool and node: once all memory has arrived
    std::vector<std::vector<Bytes>> limit_;      // by pool and node
    std::vector<std::vector<int>> apart_;        // cells by group and node
    // And of those each guest's own: from these it need not be apart.
    std::map<std::pair<const GuestState*, NodeIndex>, int> own_apart_;
};

}  // namespace vnuma
