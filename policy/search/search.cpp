#include "policy/search/search.hpp"

#include <algorithm>
#include <tuple>

namespace vnuma {
namespace {

using Order = std::vector<std::size_t>;  // indexes of units

Bytes size_of(const Unit& unit) {
    Bytes bytes = 0;
    for (const Unit::Part& part : unit.parts)
        bytes += full_bytes(*part.cell);
    return bytes;
}

// The highest priority first, then the largest.
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

// Units that fit one node only first, then the busiest.
Order by_use(const Placement& placement, Order some) {
    const auto rank = [&](std::size_t i) {
        return std::pair(placement.units()[i].fits.size() > 1, -placement.cpu_use(i));
    };
    std::stable_sort(some.begin(), some.end(),
                     [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    return some;
}

// A unit without a home is worse than any cost while homes are looked for.
Cost total_with_homeless(const Placement& placement) {
    constexpr Cost homeless = Cost{1} << 50;
    Cost count = 0;
    for (std::size_t i = 0; i < placement.units().size(); ++i)
        count += placement.home(i) ? 0 : 1;
    return placement.total() + homeless * count;
}

class Search {
  public:
    explicit Search(Placement& placement)
        : placement_(placement), settings_(placement.settings()) {}

    void run() {
        const Order newcomers = newcomers_in_order();
        place(placement_, newcomers, placement_.above_limits());
        improve(placement_, changes_left_);
        const bool is_small = units().size() <= max_units_for_restarts;
        if (is_small) try_other_homes(newcomers);
        // On a large host, roaming is only tried for each unit where it may well cost less.
        if (is_small || placement_.is_overloaded() || !has_homes_only() || is_roaming_nearer())
            improve_with_roaming(placement_, changes_left_);
        if (is_small && placement_.is_overloaded()) let_one_roam_for_others();
        let_all_roam_if_cheaper();
    }

  private:
    const std::vector<Unit>& units() const { return placement_.units(); }
    bool is_feasible(std::size_t unit, NodeIndex node) const {
        return placement_.feasibility(unit, node) == Placement::Feasibility::feasible;
    }

    Order newcomers_in_order() const {
        Order newcomers;
        for (std::size_t i = 0; i < units().size(); ++i)
            if (!placement_.home(i) && !units()[i].roamed && placement_.has_cores_for(i))
                newcomers.push_back(i);
        return by_size(units(), newcomers);
    }

    void try_other_homes(const Order& newcomers) {
        if (newcomers.size() > 1) restart_from_other_homes(newcomers);
        if (newcomers.size() == units().size()) return;
        for (int sweep = 0; sweep < max_sweeps && place_all_anew(); ++sweep)
            improve(placement_, changes_left_);
    }

    bool has_homes_only() const {
        for (std::size_t i = 0; i < units().size(); ++i)
            if (!placement_.home(i)) return false;
        return true;
    }

    // Whether a unit has less far to go to memory and devices without its home.
    bool is_roaming_nearer() const {
        for (std::size_t i = 0; i < units().size(); ++i)
            if (placement_.own_cost(i, roaming) < placement_.own_cost(i, placement_.home(i)))
                return true;
        return false;
    }

    // A unit that gives up its home may make room where others gain more than it loses.
    void let_one_roam_for_others() {
        const Placement found = placement_;
        Placement best = found;
        for (std::size_t unit = 0; unit < units().size(); ++unit) {
            if (!units()[unit].may_roam || !found.home(unit)) continue;
            placement_ = found;
            placement_.put(unit, roaming);
            improve_without_margin(placement_);
            if (placement_.total() < best.total() &&
                !placement_.is_further_above(found.above_limits()) &&
                is_above_margin(found, found.total() - placement_.total()))
                best = placement_;
        }
        placement_ = std::move(best);
    }

    // No placement may cost more than no home for anybody.
    void let_all_roam_if_cheaper() {
        const Placement found = placement_;
        for (std::size_t i = 0; i < units().size(); ++i)
            if (units()[i].may_roam && placement_.home(i)) placement_.put(i, roaming);
        const Cost gain = found.total() - placement_.total();
        if (gain <= 0 || !is_above_margin(found, gain)) {
            placement_ = found;
            return;
        }
        const Placement all_roam = placement_;
        improve_with_roaming(placement_, changes_left_);
        if (placement_.total() > all_roam.total()) placement_ = all_roam;
    }

    // Puts each newcomer in turn on each other node, places the rest around it, and keeps the best
    // result.
    void restart_from_other_homes(const Order& newcomers) {
        Placement best = placement_;
        Cost best_cost = total_with_homeless(placement_);
        const Placement found = placement_;
        const int changes_left = changes_left_;
        int restarts_left = max_restarts;
        for (const std::size_t unit : newcomers)
            for (std::size_t n = 0; n < placement_.node_count() && restarts_left > 0; ++n) {
                placement_ = found;
                changes_left_ = changes_left;
                const NodeIndex node(n);
                if (placement_.home(unit) == node) continue;
                for (const std::size_t other : newcomers)
                    placement_.put(other, std::nullopt);
                if (!is_feasible(unit, node)) continue;
                --restarts_left;
                placement_.put(unit, node);
                place(placement_, newcomers, found.above_limits());
                improve(placement_, changes_left_);
                if (const Cost cost = total_with_homeless(placement_); cost < best_cost)
                    best = placement_, best_cost = cost;
            }
        placement_ = std::move(best);
    }

    // Moves and swaps end where only several changes at once would gain. So all units that may
    // leave their homes are placed once more as if they were new, in two orders. The better result
    // is kept if what it changes gains more than the margin as a whole. Returns whether it is kept.
    // Units without a home stay without: no unit changes its home to make room for another.
    bool place_all_anew() {
        const Placement found = placement_;
        Order free;
        for (std::size_t i = 0; i < units().size(); ++i)
            if (placement_.home(i) && !units()[i].fixed && placement_.has_cores_for(i))
                free.push_back(i);
        Placement best = found;
        for (const Order& order : {by_size(units(), free), by_use(placement_, free)}) {
            placement_ = found;
            for (const std::size_t unit : free)
                placement_.put(unit, std::nullopt);
            place(placement_, order, found.above_limits());
            improve_without_margin(placement_);
            if (total_with_homeless(placement_) < total_with_homeless(best)) best = placement_;
        }
        placement_ = std::move(best);
        undo_changes_below_margin(found);
        const Cost gain = total_with_homeless(found) - total_with_homeless(placement_);
        const bool is_kept =
            !placement_.is_further_above(found.above_limits()) && is_above_margin(found, gain);
        if (!is_kept) placement_ = found;
        return is_kept;
    }

    bool has_changed(const Placement& found, std::size_t unit) const {
        return units()[unit].former && found.home(unit) &&
               placement_.home(unit) != found.home(unit);
    }

    void undo_changes_below_margin(const Placement& found) {
        for (bool undone = true; undone;) {
            undone = false;
            for (std::size_t i = 0; i < units().size(); ++i)
                if (has_changed(found, i) && undo_if_below_margin(i, *found.home(i))) undone = true;
        }
    }

    // Puts a unit back at its home of before if its own change gains less than the margin.
    bool undo_if_below_margin(std::size_t unit, NodeIndex before) {
        const Place now = placement_.home(unit);
        if (!is_feasible(unit, before)) return false;
        placement_.put(unit, before);
        const Placement::Marginal here = placement_.marginal(unit, before),
                                  there = placement_.marginal(unit, now);
        const bool is_worth_it =
            gain_above_margin(settings_, {here.all - there.all, here.load - there.load}, here.all,
                              placement_.load_matters(unit, before, now)) > 0;
        if (is_worth_it) placement_.put(unit, now);
        return !is_worth_it;
    }

    // Whether what has changed since `found` gains enough as a whole.
    bool is_above_margin(const Placement& found, Cost gain_of_all) const {
        const Placement::Marginal gain{gain_of_all, found.load() - placement_.load()};
        Cost before = 0;
        bool any = false, load_matters = false;
        for (std::size_t i = 0; i < units().size(); ++i) {
            if (!has_changed(found, i)) continue;
            any = true;
            const NodeIndex from = *found.home(i);
            before += found.marginal(i, from).all;
            load_matters |= found.load_matters(i, from, placement_.home(i));
        }
        if (!any) return gain.all > 0;
        return placement_.memory_can_follow(found) &&
               gain_above_margin(settings_, gain, before, load_matters) > 0;
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
