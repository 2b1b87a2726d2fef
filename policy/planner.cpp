#include "policy/planner.hpp"

#include <algorithm>
#include <numeric>

#include "policy/placement.hpp"

namespace vnuma {
namespace {

// Changes of the placement tried in one tick; what is left is found again in the next.
constexpr int max_changes = 64;
// Gains below a hundredth of a CPU over the horizon are noise.
constexpr Cost min_gain_divisor = 100;
// Leftovers too small to go on about: pages busy with I/O come and go.
constexpr PerMille settled_share = 998;
constexpr Bytes settled_bytes = mib;

struct Change {
    Cost gain = 0;
    std::size_t a = 0;
    NodeIndex to;                  // of a
    std::optional<std::size_t> b;  // goes where a was
};

bool fits(const CellState& cell, const HostNode& node, const PlannerSettings& settings) {
    return node.cpus > 0 && cell.vcpus <= node.cpus && node.memory_total > 0 &&
           full_bytes(cell) <= node.memory_total / 1000 * (1000 - settings.watermark);
}

bool cools_down(const CellHistory& cell, Millis now, const PlannerSettings& settings) {
    return now - cell.home_since < settings.cool_down << cell.failures;
}

class Planner {
  public:
    Planner(const Snapshot& snapshot, const History& history, const PlannerSettings& settings)
        : snapshot_(snapshot),
          settings_(settings),
          history_(history),
          placement_(snapshot, settings, choose_items(snapshot, history, settings)) {}

    Plan run() {
        settle_newcomers();
        for (int i = 0; i < max_changes; ++i) {
            const Change change = best_change();
            if (change.gain <= 0) break;
            apply(change);
        }
        for (std::size_t i = 0; i < items().size(); ++i)
            judge(i);
        return finish();
    }

  private:
    const std::vector<Placement::Item>& items() const { return placement_.items(); }
    std::size_t node_count() const { return snapshot_.topology.nodes.size(); }

    // Cells that can be planned, ordered by key; the others get their verdict here.
    std::vector<Placement::Item> choose_items(const Snapshot& snapshot, const History& history,
                                              const PlannerSettings& settings) {
        std::vector<Placement::Item> items;
        for (const GuestState& guest : snapshot.guests) {
            for (const CellState& cell : guest.cells) {
                Placement::Item item{&cell, &guest, {}, {}, {}, false};
                for (std::size_t n = 0; n < snapshot.topology.nodes.size(); ++n)
                    if (fits(cell, snapshot.topology.nodes[n], settings))
                        item.fits.insert(NodeIndex(n));
                if (refuse(guest, cell, item.fits)) continue;
                item.fits = item.fits & cell.allowed;
                const auto known = history.cells.find(cell.key);
                if (known != history.cells.end()) {
                    item.former = known->second.home;
                    item.fixed = cools_down(known->second, snapshot.now, settings);
                    if (item.fits.contains(known->second.home)) item.home = item.former;
                }
                items.push_back(item);
            }
        }
        std::sort(items.begin(), items.end(),
                  [](const auto& a, const auto& b) { return a.cell->key < b.cell->key; });
        return items;
    }

    bool refuse(const GuestState& guest, const CellState& cell, NodeSet fitting) {
        Verdict verdict;
        verdict.key = cell.key;
        if (snapshot_.topology.nodes.size() < 2) {
            verdict.reason = Reason::one_node;
        } else if (!guest.unsteady.empty()) {
            verdict.reason = Reason::unsteady;
            verdict.detail = guest.unsteady;
        } else if (cell.allowed.empty()) {
            verdict.reason = Reason::not_allowed;
        } else if ((fitting & cell.allowed).empty()) {
            verdict.reason = Reason::too_large;
        } else {
            return false;
        }
        const bool for_good = verdict.reason != Reason::unsteady;
        if (for_good && cell.pinned) plan_.actions.emplace_back(UnpinCell{cell.key});
        plan_.verdicts.push_back(verdict);
        return true;
    }

    // The largest first, while there is room to choose.
    void settle_newcomers() {
        std::vector<std::size_t> order(items().size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return full_bytes(*items()[a].cell) > full_bytes(*items()[b].cell);
        });
        for (std::size_t index : order) {
            if (items()[index].home) continue;
            std::optional<NodeIndex> best;
            Cost best_cost = 0;
            for (std::size_t n = 0; n < node_count(); ++n) {
                const NodeIndex node(n);
                if (!items()[index].fits.contains(node) || !placement_.has_room(index, node))
                    continue;
                const Cost cost = placement_.marginal(index, node);
                if (!best || cost < best_cost) {
                    best = node;
                    best_cost = cost;
                }
            }
            placement_.put(index, best);
        }
    }

    // What is left of a gain once a change of home has won by the margin; newcomers need none.
    Cost beyond_margin(Cost gain, Cost before, bool has_former) const {
        const Cost wanted = has_former ? std::max(before / 1000 * settings_.margin,
                                                  settings_.horizon / min_gain_divisor)
                                       : Cost{0};
        return gain > wanted ? gain : Cost{0};
    }

    bool may_go(std::size_t index) const { return items()[index].home && !items()[index].fixed; }

    Change best_change() {
        Change best;
        for (std::size_t a = 0; a < items().size(); ++a) {
            if (!may_go(a)) continue;
            for (std::size_t n = 0; n < node_count(); ++n)
                consider_move(a, NodeIndex(n), best);
            for (std::size_t b = a + 1; b < items().size(); ++b)
                if (may_go(b)) consider_swap(a, b, best);
        }
        return best;
    }

    void consider_move(std::size_t a, NodeIndex to, Change& best) const {
        const Placement::Item& item = items()[a];
        if (to == *item.home || !item.fits.contains(to) || !placement_.has_room(a, to)) return;
        const Cost before = placement_.marginal(a, *item.home);
        const Cost gain =
            beyond_margin(before - placement_.marginal(a, to), before, item.former.has_value());
        if (gain > best.gain) best = {gain, a, to, std::nullopt};
    }

    void consider_swap(std::size_t a, std::size_t b, Change& best) {
        const NodeIndex home_a = *items()[a].home, home_b = *items()[b].home;
        if (home_a == home_b || !items()[a].fits.contains(home_b) ||
            !items()[b].fits.contains(home_a) || !placement_.have_room_swapped(a, b))
            return;
        const Cost before_a = placement_.marginal(a, home_a);
        placement_.put(a, std::nullopt);
        const Cost before_b = placement_.marginal(b, home_b);
        placement_.put(b, std::nullopt);
        Cost after = placement_.marginal(a, home_b);
        placement_.put(a, home_b);
        after += placement_.marginal(b, home_a);
        placement_.put(a, home_a);
        placement_.put(b, home_b);
        const Cost before = before_a + before_b;
        const Cost gain = beyond_margin(
            before - after, before, items()[a].former.has_value() || items()[b].former.has_value());
        if (gain > best.gain) best = {gain, a, home_b, b};
    }

    void apply(const Change& change) {
        const NodeIndex from = *items()[change.a].home;
        placement_.put(change.a, change.to);
        if (change.b) placement_.put(*change.b, from);
    }

    void judge(std::size_t index) {
        const Placement::Item& item = items()[index];
        Verdict verdict;
        verdict.key = item.cell->key;
        verdict.home = item.home;
        if (!item.home) {
            verdict.reason = Reason::no_room;
            if (item.cell->pinned) plan_.actions.emplace_back(UnpinCell{verdict.key});
            plan_.verdicts.push_back(verdict);
            return;
        }
        verdict.cost = placement_.marginal(index, *item.home);
        const Bytes away = total_bytes(*item.cell) - item.cell->residency[*item.home];
        const bool leftovers =
            away > settled_bytes && locality(*item.cell, *item.home) < settled_share;
        if (item.cell->movable && leftovers) verdict.to_move = away;
        // A cell of memory only has nothing to confine.
        const bool confined = item.cell->vcpus == 0 || item.cell->confined_to == item.home;
        verdict.reason = reason_for(index, confined && verdict.to_move == 0, verdict);
        plan_.verdicts.push_back(verdict);
        if (verdict.reason == Reason::retry_later) return;
        if (!confined) plan_.actions.emplace_back(PinCell{verdict.key, *item.home});
        if (verdict.to_move > 0)
            plan_.actions.emplace_back(MoveMemory{verdict.key, *item.home, verdict.to_move});
    }

    Reason reason_for(std::size_t index, bool arrived, Verdict& verdict) const {
        const Placement::Item& item = items()[index];
        const auto known = history_.cells.find(item.cell->key);
        const bool waits = known != history_.cells.end() && snapshot_.now < known->second.retry_at;
        if (!arrived && waits) return Reason::retry_later;
        if (!item.former) return Reason::first_home;
        if (item.former != item.home) {
            verdict.former_home = item.former;
            verdict.other_cost = placement_.marginal(index, *item.former);
            return Reason::better_home;
        }
        if (!arrived) return Reason::settling;
        for (std::size_t n = 0; n < node_count(); ++n) {
            const NodeIndex node(n);
            if (!item.fits.contains(node) || !placement_.has_room(index, node)) continue;
            const Cost other = placement_.marginal(index, node);
            if (other < verdict.cost && (!verdict.alternative || other < verdict.other_cost)) {
                verdict.alternative = node;
                verdict.other_cost = other;
            }
        }
        if (!verdict.alternative) return Reason::settled;
        return item.fixed ? Reason::cool_down : Reason::margin;
    }

    Plan finish() {
        std::sort(plan_.verdicts.begin(), plan_.verdicts.end(),
                  [](const Verdict& a, const Verdict& b) { return a.key < b.key; });
        std::stable_partition(plan_.actions.begin(), plan_.actions.end(), [](const Action& action) {
            return !std::holds_alternative<MoveMemory>(action);
        });
        return std::move(plan_);
    }

    const Snapshot& snapshot_;
    const PlannerSettings& settings_;
    const History& history_;
    Plan plan_;
    Placement placement_;  // after plan_: choosing its items writes verdicts
};

}  // namespace

Plan plan(const Snapshot& snapshot, const History& history, const PlannerSettings& settings) {
    return Planner(snapshot, history, settings).run();
}

}  // namespace vnuma
