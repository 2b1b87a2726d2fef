#include "policy/search/search.hpp"

#include <algorithm>
#include <tuple>

namespace vnuma {
namespace {

using Order = std::vector<std::size_t>;

Bytes size_of(const Unit& unit) {
    Bytes bytes = 0;
    for (const Unit::Part& part : unit.parts)
        bytes += full_bytes(*part.cell);
    return bytes;
}

// By priority and size, of both the largest first.
Order by_size(const std::vector<Unit>& units, const Order& some) {
    std::vector<std::tuple<int, Bytes, std::size_t>> ranked;
    for (const std::size_t i : some)
        ranked.emplace_back(-units[i].parts.front().guest->policy.priority, -size_of(units[i]), i);
    std::sort(ranked.begin(), ranked.end());
    Order order;
    order.reserve(ranked.size());
    for (const auto& [priority, size, unit] : ranked)
        order.push_back(unit);
    return order;
}

// Those without a choice first, then by CPU use.
Order by_use(const std::vector<Unit>& units, Order some) {
    const auto rank = [&](std::size_t i) {
        return std::pair(units[i].fits.size() > 1, -units[i].use);
    };
    std::stable_sort(some.begin(), some.end(),
                     [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    return some;
}

// A unit without a home is worse than any cost.
Cost total_with_homeless(const Placement& placement) {
    constexpr Cost homeless = Cost{1} << 50;
    const auto count = std::count_if(placement.units().begin(), placement.units().end(),
                                     [](const Unit& unit) { return !unit.home; });
    return placement.total() + homeless * count;
}

class Search {
  public:
    explicit Search(Placement& placement)
        : placement_(placement), settings_(placement.settings()) {}

    void run() {
        const Order newcomers = newcomers_in_order();
        place(placement_, newcomers, placement_.overfull());
        improve(placement_, changes_left_);
        if (units().size() > few_units) return;
        if (newcomers.size() > 1) try_other_beginnings(newcomers);
        if (newcomers.size() == units().size()) return;
        for (int sweep = 0; sweep < max_sweeps && try_afresh(); ++sweep)
            improve(placement_, changes_left_);
    }

  private:
    const std::vector<Unit>& units() const { return placement_.units(); }

    Order newcomers_in_order() const {
        Order newcomers;
        for (std::size_t i = 0; i < units().size(); ++i)
            if (!units()[i].home) newcomers.push_back(i);
        return by_size(units(), newcomers);
    }

    void try_other_beginnings(const Order& newcomers) {
        Placement best = placement_;
        Cost best_cost = total_with_homeless(placement_);
        const Placement found = placement_;
        const int changes_left = changes_left_;
        int left = max_beginnings;
        for (const std::size_t unit : newcomers)
            for (std::size_t n = 0; n < placement_.node_count() && left > 0; ++n) {
                placement_ = found;
                changes_left_ = changes_left;
                const NodeIndex node(n);
                if (units()[unit].home == node) continue;
                for (const std::size_t other : newcomers)
                    placement_.put(other, std::nullopt);
                if (placement_.feasibility(unit, node) != Placement::Feasibility::feasible)
                    continue;
                --left;
                placement_.put(unit, node);
                place(placement_, newcomers, found.overfull());
                improve(placement_, changes_left_);
                if (const Cost cost = total_with_homeless(placement_); cost < best_cost)
                    best = placement_, best_cost = cost;
            }
        placement_ = std::move(best);
    }

    // Moves and swaps end where only several changes at once would gain. So those that may leave
    // their homes are placed once more as newcomers are, by size and by CPU use, and the better of
    // it counts if what it changes gains by the margin as a whole. Returns whether it does. Who
    // has found no home finds none here: nobody changes its home for that.
    bool try_afresh() {
        const Placement found = placement_;
        Order free;
        for (std::size_t i = 0; i < units().size(); ++i)
            if (units()[i].home && !units()[i].fixed) free.push_back(i);
        Placement best = found;
        for (const Order& order : {by_size(units(), free), by_use(units(), free)}) {
            placement_ = found;
            for (const std::size_t unit : free)
                placement_.put(unit, std::nullopt);
            place(placement_, order, found.overfull());
            improve_afresh(placement_);
            if (total_with_homeless(placement_) < total_with_homeless(best)) best = placement_;
        }
        placement_ = std::move(best);
        go_back_without_reason(found);
        const bool worth = is_worth_it(found);
        if (!worth) placement_ = found;
        return worth;
    }

    bool has_left(const Placement& found, std::size_t unit) const {
        return units()[unit].former && units()[unit].home != found.units()[unit].home;
    }

    // Those whose own change does not gain by the margin, as long as there are any.
    void go_back_without_reason(const Placement& found) {
        for (bool changed = true; changed;) {
            changed = false;
            for (std::size_t i = 0; i < units().size(); ++i)
                if (has_left(found, i) && !gains(i, *found.units()[i].home)) changed = true;
        }
    }

    // Whether a unit's change from that home is worth it as all others are; it is back there if
    // not.
    bool gains(std::size_t unit, NodeIndex before) {
        const NodeIndex now = *units()[unit].home;
        if (placement_.feasibility(unit, before) != Placement::Feasibility::feasible) return true;
        placement_.put(unit, before);
        const Placement::Marginal here = placement_.marginal(unit, before),
                                  there = placement_.marginal(unit, now);
        const bool worth = beyond_margin(settings_, {here.all - there.all, here.load - there.load},
                                         here.all, placement_.balance_counts(before, now)) > 0;
        if (worth) placement_.put(unit, now);
        return worth;
    }

    bool is_worth_it(const Placement& found) const {
        const Placement::Marginal gain{total_with_homeless(found) - total_with_homeless(placement_),
                                       found.load() - placement_.load()};
        Cost before = 0;
        bool any = false, balance_counts = false;
        for (std::size_t i = 0; i < units().size(); ++i) {
            if (!has_left(found, i)) continue;
            any = true;
            const NodeIndex from = *found.units()[i].home;
            before += found.marginal(i, from).all;
            balance_counts |= found.balance_counts(from, *units()[i].home);
        }
        if (placement_.overfull() > found.overfull()) return false;
        if (!any) return gain.all > 0;
        return placement_.can_follow(found) &&
               beyond_margin(settings_, gain, before, balance_counts) > 0;
    }

    Placement& placement_;
    const PlannerSettings settings_;
    int changes_left_ = max_changes;
};

}  // namespace

void search(Placement& placement) {
    Search(placement).run();
}

}  // namespace vnuma
