// The demand for the CPUs of a host, and what it costs. Demand is counted on the pools of CPUs that
// whoever causes it may use: those of one node at a home, those of all nodes while it roams. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "policy/model/planner_settings.hpp"

namespace vnuma {

// Demand that may use several pools uses what is idle in them, as the scheduler spreads it: who has
// the fewest CPUs to choose from comes first, and what exceeds the idle CPUs is divided by
// capacity. That is exact where sets of pools contain each other or have nothing in common.
class CpuLoad {
  public:
    // There is no demand at first.
    CpuLoad(const Topology& topology, const PlannerSettings& settings);

    // What the owners of some cells let their vCPUs use, by an index.
    using Mask = std::size_t;
    static constexpr Mask all_cpus = 0;
    // The mask with these pools (CellState::cpu_pools); empty: all. Known masks are found again.
    Mask find_or_add(const std::vector<std::size_t>& pools);

    // Where demand runs: on those CPUs of the mask that are on this node, or on all of them where
    // the mask has none there or there is no node.
    struct Place {
        Mask mask = all_cpus;
        std::optional<NodeIndex> node{};
    };
    struct Demand {
        Place place;
        MilliCpu use = 0;  // negative where it goes away
    };
    void add(const Demand& demand);

    Cost cost() const;
    // What the cost would increase by with these changes.
    Cost cost_of(std::span<const Demand> changes) const;
    // What one demand adds to the cost at its place. `now`: where it is counted at present; null if
    // it is not.
    Cost cost_of_placing(const Demand& demand, const Demand* now) const;

    MilliCpu capacity(Place place) const { return set_of(place).capacity; }
    // What the place would cost if this was all demand there.
    Cost cost_alone(Place place, MilliCpu demand) const;
    MilliCpu cores(Place place) const { return set_of(place).capacity - set_of(place).siblings; }
    // Demand on the CPUs of a place, of all who use them.
    MilliCpu demand(Place place) const;
    // Whether any demand has no core of its own.
    bool is_any_overloaded() const;
    // Share of a mask's capacity that is on each node.
    std::vector<PerMille> shares(Mask mask) const;

  private:
    struct Pool {
        NodeIndex node{};
        MilliCpu capacity = 0;
        MilliCpu siblings = 0;  // CpuPool::siblings
        MilliCpu alone = 0;     // demand that can use no other pool
        MilliCpu demand = 0;    // with its part of the demand that can
        Cost cost = 0;          // of that
    };
    struct PoolSet {
        std::size_t first = 0, count = 0;  // in members_
        MilliCpu capacity = 0, siblings = 0;

        bool is_single() const { return count == 1; }
    };
    struct Shared {
        std::size_t set = 0;
        MilliCpu use = 0;
    };

    std::size_t index_of(Place place) const {
        return place.mask * (nodes_ + 1) + (place.node ? std::size_t{*place.node} : nodes_);
    }
    const PoolSet& set_of(Place place) const { return sets_[index_of(place)]; }
    // Indexes of pools.
    std::span<const std::size_t> members(const PoolSet& set) const {
        return {members_.data() + set.first, set.count};
    }
    std::size_t only_pool(const PoolSet& set) const { return members_[set.first]; }
    void add_set(const std::vector<std::size_t>& pools);
    // Adds to the demand of sets with several pools, in the order in which it is spread.
    void add_shared(std::vector<Shared>& shared, std::size_t set, MilliCpu use) const;
    void spread(const Shared& shared, std::vector<MilliCpu>& demand) const;
    Cost cost_of(const Pool& pool, MilliCpu demand) const;

    PlannerSettings settings_;
    std::size_t nodes_;
    std::vector<Pool> pools_;
    std::map<std::vector<std::size_t>, Mask> masks_;
    std::vector<PoolSet> sets_;  // by mask, and by node within it; behind the nodes: all
    std::vector<std::size_t> members_;
    std::vector<Shared> shared_;  // sets with several pools that have demand
};

}  // namespace vnuma
