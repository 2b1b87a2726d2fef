#include "policy/search/rehoming.hpp"

#include <algorithm>

namespace vnuma {
namespace {

// Units of each node that are looked at for swaps between it and another.
constexpr std::size_t swap_candidates(std::size_t pairs) {
    std::size_t most = least_swap_candidates;
    while ((most + 1) * (most + 1) * pairs <= max_swaps_considered)
        ++most;
    return most;
}
constexpr std::size_t most_pairs = max_host_nodes * (max_host_nodes - 1) / 2;
static_assert(swap_candidates(1) == 64, "two nodes");
static_assert(swap_candidates(most_pairs) == 2 && 4 * most_pairs == 8'064);

class Moves {
  public:
    Moves(Placement& placement, int& changes_left, bool afresh)
        : placement_(placement),
          settings_(placement.settings()),
          changes_left_(changes_left),
          afresh_(afresh) {}

    void improve() {
        for (int sweep = 0; sweep < max_sweeps; ++sweep) {
            const bool moved = sweep_moves();
            if (!sweep_swaps() && !moved) return;
        }
    }

  private:
    const std::vector<Unit>& units() const { return placement_.units(); }

    bool may_go(std::size_t index) const {
        const Unit& unit = units()[index];
        return unit.home &&
               (!unit.fixed || (!afresh_ && placement_.is_short_of_memory(*unit.home)));
    }

    // Whether it may go there at all, and needs a reason beyond a lower cost.
    bool may_go_to(std::size_t index, NodeIndex to) const {
        return !units()[index].fixed || placement_.relieves(index, to);
    }
    bool is_settled(std::size_t index, NodeIndex to) const {
        return !afresh_ && units()[index].former && !placement_.relieves(index, to);
    }

    Cost beyond_margin(Placement::Marginal gain, Cost before, NodeIndex from, NodeIndex to) const {
        return vnuma::beyond_margin(settings_, gain, before, placement_.balance_counts(from, to));
    }

    struct Move {
        Cost gain = 0;
        std::size_t unit = 0;
        NodeIndex to;
    };

    Move best_move(std::size_t index) const {
        const NodeIndex home = *units()[index].home;
        const Placement::Marginal before = placement_.marginal(index, home);
        Move best{0, index, home};
        for (std::size_t n = 0; n < placement_.node_count(); ++n) {
            const NodeIndex to(n);
            if (to == home || before.all - placement_.own(index, to) <= best.gain ||
                before.all - placement_.least(index, to).all <= best.gain ||
                !may_go_to(index, to) ||
                placement_.feasibility(index, to) != Placement::Feasibility::feasible)
                continue;
            const Placement::Marginal after = placement_.marginal(index, to);
            const Placement::Marginal gain{before.all - after.all, before.load - after.load};
            const Cost worth =
                is_settled(index, to) ? beyond_margin(gain, before.all, home, to) : gain.all;
            if (worth > best.gain) best = {worth, index, to};
        }
        return best;
    }

    bool sweep_moves() {
        std::vector<Move> moves;
        for (std::size_t i = 0; i < units().size(); ++i) {
            if (!may_go(i)) continue;
            const Move move = best_move(i);
            if (move.gain > 0) moves.push_back(move);
        }
        std::stable_sort(moves.begin(), moves.end(),
                         [](const Move& a, const Move& b) { return a.gain > b.gain; });
        bool changed = false;
        for (const Move& planned : moves) {
            if (!may_go(planned.unit)) continue;
            // Those before it may have filled the place, or emptied a better one.
            const Move move = best_move(planned.unit);
            if (move.gain <= 0 || !may_change({move.unit})) continue;
            placement_.put(move.unit, move.to);
            changed = true;
        }
        return changed;
    }

    bool may_change(std::initializer_list<std::size_t> changed) {
        if (afresh_) return true;
        const auto known = std::count_if(changed.begin(), changed.end(), [&](std::size_t i) {
            return units()[i].former.has_value();
        });
        if (known > changes_left_) return false;
        changes_left_ -= static_cast<int>(known);
        return true;
    }

    struct Swap {
        Cost gain = 0;
        std::size_t a = 0, b = 0;
    };

    Cost worth_of_swap(std::size_t a, std::size_t b) const {
        const NodeIndex home_a = *units()[a].home, home_b = *units()[b].home;
        const Placement::Marginal gain = placement_.swap_gain(a, b);
        if (gain.all <= 0 || !may_go_to(a, home_b) || !may_go_to(b, home_a) ||
            !placement_.can_swap(a, b))
            return 0;
        const bool a_settled = is_settled(a, home_b), b_settled = is_settled(b, home_a);
        if (!a_settled && !b_settled) return gain.all;
        const Cost before = (a_settled ? placement_.marginal(a, home_a).all : 0) +
                            (b_settled ? placement_.marginal(b, home_b).all : 0);
        return beyond_margin(gain, before, home_a, home_b);
    }

    // By how much more they cost where they could go.
    using Ranked = std::vector<std::pair<Cost, std::size_t>>;

    // Those that gain most there, and those that weigh most.
    std::vector<std::size_t> best_of(Ranked& ranked, std::size_t most) const {
        if (ranked.size() > most) {
            const auto middle = ranked.begin() + static_cast<std::ptrdiff_t>(most - most / 3),
                       end = ranked.begin() + static_cast<std::ptrdiff_t>(most);
            std::partial_sort(ranked.begin(), middle, ranked.end());
            for (auto rest = middle; rest != ranked.end(); ++rest)
                rest->first = -units()[rest->second].use;
            std::partial_sort(middle, end, ranked.end());
            ranked.erase(end, ranked.end());
        }
        std::vector<std::size_t> chosen;
        chosen.reserve(ranked.size());
        for (const auto& [rank, unit] : ranked)
            chosen.push_back(unit);
        return chosen;
    }

    // Units at one node that may go.
    struct Swappable {
        std::vector<std::size_t> units;
        // Of these, by node, the candidates to go there; empty when the units have changed since.
        std::vector<std::vector<std::size_t>> chosen;
    };

    // For all nodes at once: of thousands of units each is looked at once, not once for each node.
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
        return placement_.own(unit, to) - placement_.own(unit, from);
    }

    bool sweep_swaps() {
        const std::size_t nodes = placement_.node_count(), pairs = nodes * (nodes - 1) / 2;
        if (pairs == 0) return false;
        const std::size_t most = swap_candidates(pairs);
        std::vector<Swappable> at(nodes);
        for (std::size_t i = 0; i < units().size(); ++i)
            if (may_go(i)) at[*units()[i].home].units.push_back(i);
        for (std::size_t n = 0; n < nodes; ++n)
            choose_candidates(at[n], NodeIndex(n), most);
        bool changed = false;
        for (std::size_t a = 0; a < nodes; ++a)
            for (std::size_t b = a + 1; b < nodes; ++b)
                changed |= swap_between(at, NodeIndex(a), NodeIndex(b), most);
        return changed;
    }

    // The best one: the next sweep finds what it leaves.
    bool swap_between(std::vector<Swappable>& at, NodeIndex a, NodeIndex b, std::size_t most) {
        Swap best;
        const std::vector<std::size_t> others = candidates(at[b], b, a, most);
        for (const std::size_t one : candidates(at[a], a, b, most))
            for (const std::size_t other : others)
                if (const Cost worth = worth_of_swap(one, other); worth > best.gain)
                    best = {worth, one, other};
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
    const bool afresh_;
};

std::optional<NodeIndex> best_node(const Placement& placement, std::size_t unit) {
    std::optional<NodeIndex> best;
    Cost best_cost = 0;
    for (std::size_t n = 0; n < placement.node_count(); ++n) {
        const NodeIndex node(n);
        if (placement.feasibility(unit, node) != Placement::Feasibility::feasible) continue;
        const Cost cost = placement.marginal(unit, node).all;
        if (!best || cost < best_cost) best = node, best_cost = cost;
    }
    return best;
}

// All that find room. Returns how many do not.
std::size_t place_all(Placement& placement, const std::vector<std::size_t>& newcomers) {
    std::size_t left = 0;
    for (const std::size_t unit : newcomers) {
        if (placement.units()[unit].home) continue;
        if (const std::optional<NodeIndex> home = best_node(placement, unit))
            placement.put(unit, home);
        else
            ++left;
    }
    return left;
}

}  // namespace

Cost beyond_margin(const PlannerSettings& settings, Placement::Marginal gain, Cost before,
                   bool balance_counts) {
    // Gains below a hundredth of a CPU over the horizon are noise.
    constexpr Cost min_gain_divisor = 100;
    if (!balance_counts) gain.all -= std::max<Cost>(gain.load, 0);
    const Cost wanted =
        std::max(before / 1000 * settings.margin, settings.horizon / min_gain_divisor);
    return gain.all > wanted ? gain.all : 0;
}

// First as if nobody's memory were in another's way: it goes home as well. If not all find room
// like that, or some stays that others then have no room beside, what is there counts.
void place(Placement& placement, std::vector<std::size_t> newcomers, Bytes overfull) {
    std::erase_if(newcomers,
                  [&](std::size_t unit) { return placement.units()[unit].home.has_value(); });
    for (const std::size_t unit : newcomers)
        placement.lift(unit);
    if (place_all(placement, newcomers) == 0 && placement.overfull() <= overfull) return;
    for (const std::size_t unit : newcomers)
        placement.put(unit, std::nullopt);
    // Those that are placed may leave room for those before them.
    std::size_t before = newcomers.size() + 1, left = newcomers.size();
    for (int sweep = 0; sweep < max_sweeps && left > 0 && left < before; ++sweep) {
        before = left;
        left = place_all(placement, newcomers);
    }
}

void improve(Placement& placement, int& changes_left) {
    Moves(placement, changes_left, false).improve();
}

void improve_afresh(Placement& placement) {
    int changes_left = 0;
    Moves(placement, changes_left, true).improve();
}

}  // namespace vnuma
