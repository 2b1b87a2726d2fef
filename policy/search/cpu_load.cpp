#include "policy/search/cpu_load.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <utility>

#include "policy/search/cost.hpp"

namespace vnuma {

CpuLoad::CpuLoad(const Topology& topology, const PlannerSettings& settings)
    : settings_(settings), nodes_(topology.nodes.size()) {
    for (const CpuPool& pool : topology.pools)
        pools_.push_back({pool.node, pool.capacity, pool.siblings});
    for (std::size_t n = 0; topology.pools.empty() && n < nodes_; ++n)
        pools_.push_back(
            {NodeIndex(n), topology.nodes[n].cpu_capacity, sibling_part(topology.nodes[n])});
    find_or_add({});
}

CpuLoad::Mask CpuLoad::find_or_add(const std::vector<std::size_t>& pools) {
    const auto [known, is_new] = masks_.try_emplace(pools, masks_.size());
    if (!is_new) return known->second;
    std::vector<std::size_t> all = pools;
    if (all.empty()) {
        all.resize(pools_.size());
        std::iota(all.begin(), all.end(), std::size_t{0});
    }
    for (std::size_t n = 0; n < nodes_; ++n) {
        std::vector<std::size_t> here;
        std::copy_if(all.begin(), all.end(), std::back_inserter(here),
                     [&](std::size_t pool) { return pools_[pool].node == NodeIndex(n); });
        add_set(here.empty() ? all : here);
    }
    add_set(all);
    return known->second;
}

void CpuLoad::add_set(const std::vector<std::size_t>& pools) {
    PoolSet& set = sets_.emplace_back(PoolSet{members_.size(), pools.size()});
    for (const std::size_t pool : pools)
        set.capacity += pools_[pool].capacity, set.siblings += pools_[pool].siblings;
    members_.insert(members_.end(), pools.begin(), pools.end());
}

Cost CpuLoad::cost_of(const Pool& pool, MilliCpu demand) const {
    return load_cost(pool.capacity, pool.siblings, demand, settings_);
}

void CpuLoad::add_shared(std::vector<Shared>& shared, std::size_t set, MilliCpu use) const {
    const auto rank = [&](std::size_t one) { return std::pair(sets_[one].count, one); };
    auto known = std::lower_bound(
        shared.begin(), shared.end(), set,
        [&](const Shared& one, std::size_t other) { return rank(one.set) < rank(other); });
    if (known == shared.end() || known->set != set) known = shared.insert(known, {set, 0});
    known->use += use;
    if (known->use == 0) shared.erase(known);
}

// What is left is divided anew at each pool, so that no part is lost to rounding.
void CpuLoad::spread(const Shared& shared, std::vector<MilliCpu>& demand) const {
    const PoolSet& set = sets_[shared.set];
    const auto idle = [&](std::size_t pool) {
        return std::max<MilliCpu>(pools_[pool].capacity - demand[pool], 0);
    };
    MilliCpu idle_left = 0, capacity_left = set.capacity;
    for (const std::size_t pool : members(set))
        idle_left += idle(pool);
    MilliCpu on_idle = std::min(shared.use, idle_left), excess = shared.use - on_idle;
    for (const std::size_t pool : members(set)) {
        const MilliCpu idle_here = idle(pool), capacity = pools_[pool].capacity;
        const bool is_last = pool == members(set).back();
        const MilliCpu part = idle_left > 0 ? on_idle * idle_here / idle_left : 0;
        const MilliCpu more = is_last             ? excess
                              : capacity_left > 0 ? excess * capacity / capacity_left
                                                  : 0;
        demand[pool] += part + more;
        on_idle -= part, idle_left -= idle_here;
        excess -= more, capacity_left -= capacity;
    }
}

void CpuLoad::add(const Demand& demand) {
    const std::size_t index = index_of(demand.place);
    const PoolSet& set = sets_[index];
    if (set.is_single()) {
        Pool& pool = pools_[only_pool(set)];
        pool.alone += demand.use;
        if (shared_.empty()) {
            pool.demand = pool.alone;
            pool.cost = cost_of(pool, pool.demand);
            return;
        }
    } else {
        add_shared(shared_, index, demand.use);
    }
    std::vector<MilliCpu> by_pool;
    for (const Pool& pool : pools_)
        by_pool.push_back(pool.alone);
    for (const Shared& shared : shared_)
        spread(shared, by_pool);
    for (std::size_t p = 0; p < pools_.size(); ++p) {
        pools_[p].demand = by_pool[p];
        pools_[p].cost = cost_of(pools_[p], by_pool[p]);
    }
}

Cost CpuLoad::cost_alone(Place place, MilliCpu demand) const {
    const PoolSet& set = set_of(place);
    return load_cost(set.capacity, set.siblings, demand, settings_);
}

Cost CpuLoad::cost() const {
    Cost sum = 0;
    for (const Pool& pool : pools_)
        sum += pool.cost;
    return sum;
}

Cost CpuLoad::cost_of(std::span<const Demand> changes) const {
    const auto is_single = [&](const Demand& change) { return set_of(change.place).is_single(); };
    if (shared_.empty() && std::all_of(changes.begin(), changes.end(), is_single)) {
        // Nothing is shared, so that each pool can be looked at by itself.
        Cost more = 0;
        const auto pool_of = [&](const Demand& change) { return only_pool(set_of(change.place)); };
        for (std::size_t i = 0; i < changes.size(); ++i) {
            const std::size_t pool = pool_of(changes[i]);
            MilliCpu demand = pools_[pool].alone;
            bool is_first = true;
            for (std::size_t j = 0; j < changes.size(); ++j) {
                if (pool_of(changes[j]) != pool) continue;
                is_first &= j >= i;
                demand += changes[j].use;
            }
            if (is_first && demand != pools_[pool].alone)
                more += cost_of(pools_[pool], demand) - pools_[pool].cost;
        }
        return more;
    }
    std::vector<MilliCpu> by_pool;
    by_pool.reserve(pools_.size());
    for (const Pool& pool : pools_)
        by_pool.push_back(pool.alone);
    std::vector<Shared> shared = shared_;
    for (const Demand& change : changes) {
        const PoolSet& set = set_of(change.place);
        if (set.is_single())
            by_pool[only_pool(set)] += change.use;
        else
            add_shared(shared, index_of(change.place), change.use);
    }
    for (const Shared& one : shared)
        spread(one, by_pool);
    Cost more = 0;
    for (std::size_t p = 0; p < pools_.size(); ++p)
        more += cost_of(pools_[p], by_pool[p]) - pools_[p].cost;
    return more;
}

Cost CpuLoad::cost_of_placing(const Demand& demand, const Demand* now) const {
    const PoolSet& set = set_of(demand.place);
    if (shared_.empty() && set.is_single() && (!now || set_of(now->place).is_single())) {
        const std::size_t pool = only_pool(set);
        const Pool& here = pools_[pool];
        const bool is_here = now && only_pool(set_of(now->place)) == pool;
        const MilliCpu others = here.alone - (is_here ? now->use : 0);
        const auto cost = [&](MilliCpu all) {
            return all == here.alone ? here.cost : cost_of(here, all);
        };
        return cost(others + demand.use) - cost(others);
    }
    if (!now) return cost_of(std::array{demand});
    const Demand gone{now->place, -now->use};
    return cost_of(std::array{gone, demand}) - cost_of(std::array{gone});
}

MilliCpu CpuLoad::demand(Place place) const {
    MilliCpu sum = 0;
    for (const std::size_t pool : members(set_of(place)))
        sum += pools_[pool].demand;
    return sum;
}

bool CpuLoad::is_any_overloaded() const {
    return std::any_of(pools_.begin(), pools_.end(), [](const Pool& pool) {
        return pool.demand > pool.capacity - pool.siblings;
    });
}

std::vector<PerMille> CpuLoad::shares(Mask mask) const {
    std::vector<PerMille> shares(nodes_);  // capacities at first
    const PoolSet& all = set_of({mask, std::nullopt});
    for (const std::size_t pool : members(all))
        shares[pools_[pool].node] += pools_[pool].capacity;
    for (PerMille& share : shares)
        share = share * 1000 / std::max<MilliCpu>(all.capacity, 1);
    return shares;
}

}  // namespace vnuma
