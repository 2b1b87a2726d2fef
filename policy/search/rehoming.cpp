#include "policy/search/rehoming.hpp"

#include <algorithm>

namespace vnuma {
namespace {

// Number of units of each node that are considered for swaps with another node.
constexpr std::size_t swap_candidates(std::size_t pairs) {
    std::size_t most = least_swap_candidates;
    while ((most + 1) * (most + 1) * pairs <= max_swaps_considered)
        ++most;
    return most;
}
constexpr std::size_t most_pairs = max_host_nodes * (max_host_nodes - 1) / 2;
static_assert(swap_candidates(1) == 64, "two nodes");
static_assert(swap_candidates(most_pairs) == 2 && 4 * most_pairs == 8'064);

class Rehoming {
  public:
    // Places that are considered: homes for units that have one; the same as if all homes were new;
    // or homes and roaming for all units.
    enum class Kind { homes, new_homes, all_places };
    Rehoming(Placement& placement, int& changes_left, Kind kind)
        : placement_(placement),
          settings_(placement.settings()),
          changes_left_(changes_left),
          as_new_(kind == Kind::new_homes),
          with_roaming_(kind == Kind::all_places) {}

    void improve() {
        for (int sweep = 0; sweep < max_sweeps; ++sweep) {
            const bool moved = sweep_moves();
            if (!sweep_swaps() && !moved) return;
        }
    }

  private:
    const std::vector<Unit>& units() const { return placement_.units(); }

    bool may_leave_home(std::size_t unit) const {
        const Place home = placement_.home(unit);
        return home && (!units()[unit].fixed || (!as_new_ && placement_.is_short_of_memory(*home)));
    }
    // To give up a home is never too early: nothing moves, and a cool-down follows.
    bool may_roam(std::size_t unit) const {
        return with_roaming_ && placement_.home(unit) && units()[unit].may_roam;
    }
    // The home that a unit has given up in this search, where it may return at any time.
    Place given_up(std::size_t unit) const {
        return placement_.home(unit) ? roaming : units()[unit].former;
    }
    bool may_leave_place(std::size_t unit) const {
        if (placement_.home(unit)) return may_leave_home(unit) || may_roam(unit);
        return with_roaming_ && (given_up(unit) || !units()[unit].fixed);
    }
    bool may_go_to(std::size_t unit, Place to) const {
        if (!to) return may_roam(unit);
        return !units()[unit].fixed || to == given_up(unit) || placement_.relieves(unit, to);
    }
    bool is_feasible(std::size_t unit, Place to) const {
        if (!to) return placement_.has_room_for(unit, roaming);
        return placement_.feasibility(unit, *to) == Placement::Feasibility::feasible;
    }
    // Whether the unit has to gain more than the margin: it leaves a place of before, not to
    // relieve its home.
    bool needs_margin(std::size_t unit, Place to) const {
        return !as_new_ && (units()[unit].former || units()[unit].roamed) &&
               !(to && to == given_up(unit)) && !placement_.relieves(unit, to);
    }

    Cost gain_above_margin(std::size_t unit, Placement::Marginal gain, Cost before, Place from,
                           Place to) const {
        return vnuma::gain_above_margin(settings_, gain, before,
                                        !from || placement_.load_matters(unit, *from, to));
    }

    struct Move {
        Cost gain = 0;
        std::size_t unit = 0;
        Place to;
    };

    // Its gain is 0 if no move of the unit gains anything.
    Move best_move(std::size_t unit) const {
        const Place here = placement_.home(unit);
        const Placement::Marginal before = placement_.marginal(unit, here);
        Move best{0, unit, here};
        const auto consider = [&](Place to) {
            if (to == here || before.all - placement_.own_cost(unit, to) <= best.gain ||
                before.all - placement_.least_marginal(unit, to).all <= best.gain ||
                !may_go_to(unit, to) || !is_feasible(unit, to))
                return;
            const Placement::Marginal after = placement_.marginal(unit, to);
            const Placement::Marginal gain{before.all - after.all, before.load - after.load};
            const Cost counted = needs_margin(unit, to)
                                     ? gain_above_margin(unit, gain, before.all, here, to)
                                     : gain.all;
            if (counted > best.gain) best = {counted, unit, to};
        };
        for (std::size_t n = 0; n < placement_.node_count(); ++n)
            consider(NodeIndex(n));
        if (may_roam(unit)) consider(roaming);
        return best;
    }

    bool sweep_moves() {
        std::vector<Move> moves;
        for (std::size_t i = 0; i < units().size(); ++i) {
            if (!may_leave_place(i)) continue;
            const Move move = best_move(i);
            if (move.gain > 0) moves.push_back(move);
        }
        std::stable_sort(moves.begin(), moves.end(),
                         [](const Move& a, const Move& b) { return a.gain > b.gain; });
        bool changed = false;
        for (const Move& planned : moves) {
            if (!may_leave_place(planned.unit)) continue;
            // The moves before may have filled this node, or emptied a better one.
            const Move move = best_move(planned.unit);
            if (move.gain <= 0 || !may_change({move.unit})) continue;
            placement_.put(move.unit, move.to);
            changed = true;
        }
        return changed;
    }

    // Counts a change for each of these units that leaves a place of before. Returns false, and
    // counts nothing, if too few changes are left.
    bool may_change(std::initializer_list<std::size_t> changed) {
        if (as_new_) return true;
        const auto count = std::count_if(changed.begin(), changed.end(), [&](std::size_t i) {
            return units()[i].former || units()[i].roamed;
        });
        if (count > changes_left_) return false;
        changes_left_ -= static_cast<int>(count);
        return true;
    }

    struct Swap {
        Cost gain = 0;
        std::size_t a = 0, b = 0;
    };

    // Gain of a swap; 0 if it is impossible or gains too little.
    Cost counted_gain(std::size_t a, std::size_t b) const {
        const NodeIndex home_a = *placement_.home(a), home_b = *placement_.home(b);
        const Placement::Marginal gain = placement_.swap_gain(a, b);
        if (gain.all <= 0 || !may_go_to(a, home_b) || !may_go_to(b, home_a) ||
            !placement_.can_swap(a, b))
            return 0;
        const bool a_needs = needs_margin(a, home_b), b_needs = needs_margin(b, home_a);
        if (!a_needs && !b_needs) return gain.all;
        const Cost before = (a_needs ? placement_.marginal(a, home_a).all : 0) +
                            (b_needs ? placement_.marginal(b, home_b).all : 0);
        return gain_above_margin(a, gain, before, home_a, home_b);
    }

    // Units, each with the cost that it has more on another node than at home.
    using Ranked = std::vector<std::pair<Cost, std::size_t>>;

    // Chooses `most` units: two thirds are those that gain most on the other node, the rest those
    // that use most CPU time.
    std::vector<std::size_t> best_of(Ranked& ranked, std::size_t most) const {
        if (ranked.size() > most) {
            const auto middle = ranked.begin() + static_cast<std::ptrdiff_t>(most - most / 3),
                       end = ranked.begin() + static_cast<std::ptrdiff_t>(most);
            std::partial_sort(ranked.begin(), middle, ranked.end());
            for (auto rest = middle; rest != ranked.end(); ++rest)
                rest->first = -placement_.cpu_use(rest->second);
            std::partial_sort(middle, end, ranked.end());
            ranked.erase(end, ranked.end());
        }
        std::vector<std::size_t> chosen;
        chosen.reserve(ranked.size());
        for (const auto& [rank, unit] : ranked)
            chosen.push_back(unit);
        return chosen;
    }

    struct Swappable {
        std::vector<std::size_t> units;  // on one node, that may leave their home
        // Candidates among them for a swap, by the other node; empty once the units have changed.
        std::vector<std::vector<std::size_t>> chosen;
    };

    // Chooses candidates for all other nodes in one pass over the units: a host may have thousands.
    void choose_candidates(Swappable& there, NodeIndex from, std::size_t most) const {
        std::vector<Ranked> ranked(placement_.node_count());
        for (const std::size_t unit : there.units)
            for (std::size_t n = 0; n < ranked.size(); ++n)
                if (NodeIndex(n) != from && units()[unit].fits.contains(NodeIndex(n)))
                    ranked[n].emplace_back(extra_cost(unit, from, NodeIndex(n)), unit);
        for (Ranked& to : ranked)
            there.chosen.push_back(best_of(to, most));
    }

    std::vector<std::size_t> candidates(const Swappable& there, NodeIndex from, NodeIndex to,
                                        std::size_t most) const {
        if (!there.chosen.empty()) return there.chosen[to];
        Ranked ranked;
        for (const std::size_t unit : there.units)
            if (units()[unit].fits.contains(to))
                ranked.emplace_back(extra_cost(unit, from, to), unit);
        return best_of(ranked, most);
    }

    Cost extra_cost(std::size_t unit, NodeIndex from, NodeIndex to) const {
        return placement_.own_cost(unit, to) - placement_.own_cost(unit, from);
    }

    bool sweep_swaps() {
        const std::size_t nodes = placement_.node_count(), pairs = nodes * (nodes - 1) / 2;
        if (pairs == 0) return false;
        const std::size_t most = swap_candidates(pairs);
        std::vector<Swappable> at(nodes);
        for (std::size_t i = 0; i < units().size(); ++i)
            if (may_leave_home(i)) at[*placement_.home(i)].units.push_back(i);
        for (std::size_t n = 0; n < nodes; ++n)
            choose_candidates(at[n], NodeIndex(n), most);
        bool changed = false;
        for (std::size_t a = 0; a < nodes; ++a)
            for (std::size_t b = a + 1; b < nodes; ++b)
                changed |= swap_between(at, NodeIndex(a), NodeIndex(b), most);
        return changed;
    }

    // Makes the best swap of two units on these nodes. The next sweep may find another.
    bool swap_between(std::vector<Swappable>& at, NodeIndex a, NodeIndex b, std::size_t most) {
        Swap best;
        const std::vector<std::size_t> others = candidates(at[b], b, a, most);
        for (const std::size_t one : candidates(at[a], a, b, most))
            for (const std::size_t other : others)
                if (const Cost gain = counted_gain(one, other); gain > best.gain)
                    best = {gain, one, other};
        if (best.gain <= 0 || !may_change({best.a, best.b})) return false;
        placement_.put(best.a, std::nullopt);
        placement_.put(best.b, a);
        placement_.put(best.a, b);
        std::erase(at[a].units, best.a);
        std::erase(at[b].units, best.b);
        at[a].units.push_back(best.b);
        at[b].units.push_back(best.a);
        at[a].chosen.clear();
        at[b].chosen.clear();
        return true;
    }

    Placement& placement_;
    const PlannerSettings settings_;
    int& changes_left_;
    const bool as_new_, with_roaming_;
};

Place best_node(const Placement& placement, std::size_t unit) {
    Place best;
    Cost best_cost = 0;
    for (std::size_t n = 0; n < placement.node_count(); ++n) {
        const NodeIndex node(n);
        if (placement.feasibility(unit, node) != Placement::Feasibility::feasible) continue;
        const Cost cost = placement.marginal(unit, node).all;
        if (!best || cost < best_cost) best = node, best_cost = cost;
    }
    return best;
}

// Returns for how many newcomers no node has room.
std::size_t place_all(Placement& placement, const std::vector<std::size_t>& newcomers) {
    std::size_t left = 0;
    for (const std::size_t unit : newcomers) {
        if (placement.home(unit)) continue;
        if (const Place home = best_node(placement, unit))
            placement.put(unit, home);
        else
            ++left;
    }
    return left;
}

}  // namespace

Cost gain_above_margin(const PlannerSettings& settings, Placement::Marginal gain, Cost before,
                       bool load_matters) {
    if (!load_matters) gain.all -= std::max<Cost>(gain.load, 0);
    const Cost least =
        std::max(before / 1000 * settings.margin, settings.horizon / cpu_noise_divisor);
    return gain.all > least ? gain.all : 0;
}

// The first attempt takes all newcomers off the host: memory that will follow them does not take up
// room where it is now. If some newcomer finds no room even so, or memory that cannot follow
// overfills a node, the second attempt counts all memory where it is now.
void place(Placement& placement, std::vector<std::size_t> newcomers,
           const Placement::Excess& before) {
    std::erase_if(newcomers, [&](std::size_t unit) { return placement.home(unit).has_value(); });
    for (const std::size_t unit : newcomers)
        placement.take_off(unit);
    if (place_all(placement, newcomers) == 0 && !placement.is_further_above(before)) return;
    for (const std::size_t unit : newcomers)
        placement.put(unit, std::nullopt);
    // A unit that is placed may leave room on other nodes for units before it.
    std::size_t last_left = newcomers.size() + 1, left = newcomers.size();
    for (int sweep = 0; sweep < max_sweeps && left > 0 && left < last_left; ++sweep) {
        last_left = left;
        left = place_all(placement, newcomers);
    }
}

void improve(Placement& placement, int& changes_left) {
    Rehoming(placement, changes_left, Rehoming::Kind::homes).improve();
}

void improve_with_roaming(Placement& placement, int& changes_left) {
    Rehoming(placement, changes_left, Rehoming::Kind::all_places).improve();
}

void improve_without_margin(Placement& placement) {
    int changes_left = 0;
    Rehoming(placement, changes_left, Rehoming::Kind::new_homes).improve();
}

}  // namespace vnuma
