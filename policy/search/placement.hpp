// A placement under search: which unit has which home, what that costs, and what prevents another.
// A place is a home, or none: then the unit roams over the CPUs that its owner lets it use, and its
// memory stays where it is.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "policy/search/cost.hpp"
#include "policy/search/cpu_load.hpp"
#include "policy/units/unit.hpp"

namespace vnuma {

using Place = std::optional<NodeIndex>;
inline constexpr Place roaming = std::nullopt;

// CPU use and memory of every node are kept as sums, so that a change of one home costs little.
// Memory is counted as it will be once all of it has arrived at the homes.
class Placement {
  public:
    // Units begin at their initial homes; one without roams. `bystanders` are cells that are not
    // placed: they count where they are, and so does `held_apart`. The snapshot and the units must
    // outlive the placement and its copies.
    Placement(const Snapshot& snapshot, const PlannerSettings& settings,
              const std::vector<Unit>& units, const std::vector<const CellState*>& bystanders,
              const std::vector<HeldApart>& held_apart);
    Placement(const Snapshot&, const PlannerSettings&, std::vector<Unit>&&,
              const std::vector<const CellState*>&, const std::vector<HeldApart>&) = delete;

    const std::vector<Unit>& units() const { return *units_; }
    std::size_t node_count() const { return nodes_; }
    const PlannerSettings& settings() const { return settings_; }

    Place home(std::size_t unit) const { return placed_[unit].home; }
    // memory_node() of a home.
    NodeIndex memory_of(NodeIndex home) const { return memory_node_[home]; }
    MilliCpu cpu_use(std::size_t unit) const { return placed_[unit].cpu_use; }

    // A part of a unit, with what follows from the snapshot.
    struct Part {
        const CellState* cell = nullptr;
        std::size_t pool = 0;   // index of the memory pool that its memory is from
        Bytes full = 0;         // bytes once the guest has accessed all of its memory
        Bytes unallocated = 0;  // of these, bytes that the guest has not accessed yet
        // Homes to which memory on other nodes would not follow: it cannot be moved, or is accessed
        // too little to pay back.
        NodeSet stays_at{};
    };
    // The elements have the order of Unit::parts.
    std::span<const Part> parts(std::size_t unit) const {
        const PlacedUnit& placed = placed_[unit];
        return {&parts_[placed.first_part], placed.part_count};
    }

    // Gives a unit another home, or lets it roam.
    void put(std::size_t unit, Place place);
    // Takes a unit off the host until put() is called: only its memory that cannot move counts.
    void take_off(std::size_t unit);

    // What a unit costs at a place by itself: its accesses to remote memory and devices.
    Cost own_cost(std::size_t unit, Place place) const {
        return own_cost_[unit * (nodes_ + 1) + index_of(place)];
    }
    // What a unit at a place adds to the cost of the host, with all other units as they are. `load`
    // is the part of it that CPU load causes.
    struct Marginal {
        Cost all = 0, load = 0;
    };
    Marginal marginal(std::size_t unit, Place place) const;
    // A lower bound of marginal() that is cheaper to find: without memory pressure and couplings.
    Marginal least_marginal(std::size_t unit, Place place) const;
    // What is saved when two units with homes swap these.
    Marginal swap_gain(std::size_t a, std::size_t b) const;
    // Cost of the host, and the part of it that CPU load causes.
    Cost total() const;
    Cost load() const;

    // Why a unit could not go to a node, with all other units as they are.
    enum class Feasibility { feasible, not_allowed, memory, apart, cores };
    Feasibility feasibility(std::size_t unit, NodeIndex node) const;
    bool can_swap(std::size_t a, std::size_t b) const;
    // Whether some node that fits a unit has the cores for it, if it may roam.
    bool has_cores_for(std::size_t unit) const;
    // Whether the memory of all units that have other homes than in `before` can follow them. In a
    // circle of full nodes it cannot: one of them needs room for units that pass each other.
    bool memory_can_follow(const Placement& before) const;
    // What a unit at a place would bring to a node beyond what is counted there already, and what
    // the node has left for that; of the node and pool that lack most. This is the memory node of
    // its home, or one where its memory stays though others have been given that room.
    struct Room {
        Bytes wanted = 0, left = 0;
    };
    Room room_for(std::size_t unit, Place to) const;
    bool has_room_for(std::size_t unit, Place to) const {
        const Room room = room_for(unit, to);
        return room.wanted <= 0 || room.wanted <= room.left;
    }
    // A guest on a node that the unit's group keeps apart from it; of several the one whose uuid
    // comes first. Null if there is none.
    const GuestState* apart_from(std::size_t unit, NodeIndex node) const;

    // Pool 0 is ordinary memory; each page size of huge pages has a pool of its own.
    std::size_t pool_count() const { return page_.size(); }
    // Bytes left below the watermark, or in the pool; negative if there are none.
    Bytes room(NodeIndex node, std::size_t pool = 0) const {
        return limit_[pool][node] - use_[pool][node];
    }
    // Bytes above the watermark, or beyond what the pool has: of all nodes for pool 0, then of all
    // nodes for pool 1, and so on.
    using Excess = std::vector<Bytes>;
    Excess above_limits() const;
    // Whether some node has more above its limits than in `before`. Less elsewhere makes up for
    // none of it: guests would leave that node next.
    bool is_further_above(const Excess& before) const;
    // Of the memory node of a home.
    bool is_short_of_memory(NodeIndex home) const {
        return above_watermark(memory_of(home), 0) > 0;
    }
    // Whether going to `to` frees memory of the unit's home, which is short of it while `to` is
    // not.
    bool relieves(std::size_t unit, Place to) const;
    // CPU demand on those CPUs of a node that the unit may use; 1000 is their capacity.
    PerMille load_of(std::size_t unit, NodeIndex node) const;
    // Whether a lower load is a reason to go from a home to another place: one of two nodes has
    // more demand than capacity, or they differ by PlannerSettings::imbalance. To roam, the home
    // must have more demand than capacity.
    bool load_matters(std::size_t unit, NodeIndex from, Place to) const;
    // Whether any CPUs have more demand than cores.
    bool is_overloaded() const { return load_.is_any_overloaded(); }

  private:
    struct PlacedUnit {
        std::size_t first_part = 0, part_count = 0;
        MilliCpu cpu_use = 0;                    // of all parts
        Bytes ordinary_full = 0;                 // Part::full of all parts from pool 0
        CpuLoad::Mask mask = CpuLoad::all_cpus;  // CPUs that any part may use
        Place home{};
        bool taken_off = false;
    };

    void set_distances();
    bool would_share_cores(std::size_t unit, NodeIndex node) const;
    CpuLoad::Mask mask_of(const Unit& unit);
    void add_bystander(const CellState& cell);
    void add_part(std::size_t unit, const Unit::Part& part, NodeSet short_of_memory);
    std::size_t find_or_add_pool(Bytes huge_page);
    void hold_apart(const HeldApart& held, int sign);
    void count(std::size_t unit, int sign);
    void change(std::size_t unit, Place place, bool taken_off);

    std::size_t index_of(Place place) const { return place ? std::size_t{*place} : nodes_; }
    Cost coupling_cost(const Unit::Coupling& coupling, Place here, Place other) const;
    // CPU use on a node of a cell that may run anywhere: the kernel's balancing follows the memory.
    static MilliCpu use_by_memory(const CellState& cell, NodeIndex node);
    CpuLoad::Demand demand_at(std::size_t unit, Place place, int sign = 1) const {
        return {{placed_[unit].mask, place}, sign * placed_[unit].cpu_use};
    }
    void price_roaming(std::size_t unit);
    // Bytes that a part has on a node if this is its home.
    Bytes bytes_on(const Part& part, NodeIndex node, Place home, bool taken_off) const {
        const Bytes there = part.cell->residency[node];
        if (!home) return taken_off && part.cell->movable ? 0 : there;
        const bool is_memory_node = node == memory_of(*home);
        if (!part.stays_at.contains(*home)) return is_memory_node ? part.full : 0;
        return there + (is_memory_node ? part.unallocated : 0);
    }
    // Bytes of a pool that a change from the unit's present place adds to a node.
    Bytes added_bytes(std::size_t unit, std::size_t pool, NodeIndex node, Place from,
                      Place to) const;
    // Bytes that a unit brings to the memory node of a home beyond what is counted there already.
    Bytes brought(std::size_t unit, std::size_t pool, NodeIndex home) const;
    // Cost of memory above watermarks that a unit at a place is to blame for.
    Cost pressure_at(std::size_t unit, Place place) const;
    // Cost of memory pressure that a swap saves.
    Cost pressure_gain(std::size_t a, std::size_t b) const;
    // Bytes that a swap brings to the memory node of the home of the unit that leaves.
    Bytes brought_by_swap(std::size_t coming, std::size_t leaving, std::size_t pool) const;
    // Ordinary memory that a unit at a home would not use on its memory node if it went elsewhere.
    Bytes freed_by_leaving(std::size_t unit, NodeIndex home) const;
    Bytes above_watermark(NodeIndex node, Bytes more) const;
    // Bytes that a node has left for memory that counts there from now on. Of a unit that comes,
    // memory that bystanders may still access there keeps it out; what stays was there before.
    Bytes room_left(NodeIndex node, std::size_t pool, bool comes) const {
        return room(node, pool) - (comes && pool == 0 ? expected_[node] : 0);
    }
    // Whether a unit at a place has memory that counts on other nodes than that place's.
    bool leaves_memory_behind(std::size_t unit, Place place) const;
    // Guests other than the unit's that its group keeps apart from it.
    int others_apart(std::size_t unit, NodeIndex node) const;
    bool can_move_memory(std::size_t unit) const;
    bool has_room_to_pass(NodeIndex node, std::size_t pool) const;

    // Memory on its way between nodes.
    struct Flow {
        std::vector<NodeSet> to;  // destinations, by the node that memory leaves
        NodeSet blocked;          // destinations that have no room for units that pass each other
    };
    void add_flow(std::size_t unit, std::size_t pool, Flow& flow) const;

    const Topology* topology_;
    const std::vector<Unit>* units_;
    PlannerSettings settings_;
    std::size_t nodes_;
    std::vector<PlacedUnit> placed_;      // by unit
    std::vector<Part> parts_;             // of all units, one unit after the other
    std::vector<NodeIndex> memory_node_;  // by home
    std::vector<Cost> own_cost_;          // by unit and place
    // Of distances (excess_of), by place and place: of a place to roam, the mean by capacity.
    std::vector<std::vector<PerMille>> excess_;
    PerMille farthest_ = 0;  // the greatest of them between nodes with CPUs
    CpuLoad load_;
    std::vector<Bytes> expected_;  // by node: may be accessed by bystanders that run anywhere
    std::vector<Bytes> page_;      // by pool: its page size; 0 for ordinary memory
    std::vector<std::vector<Bytes>> use_;    // by pool and node
    std::vector<std::vector<Bytes>> limit_;  // by pool and node
    std::vector<std::vector<int>> apart_;    // by group and node: cells of members kept apart
    // The same by guest and node: a guest is not kept apart from itself.
    std::map<std::pair<const GuestState*, NodeIndex>, int> own_apart_;
};

}  // namespace vnuma
