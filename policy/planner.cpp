#include "policy/planner.hpp"

#include <algorithm>
#include <map>

#include "policy/search/move_schedule.hpp"
#include "policy/search/search.hpp"
#include "policy/units/choose_units.hpp"
#include "policy/verdict/alternatives.hpp"

namespace vnuma {
namespace {

// Of all of its memory, so much at home is all, too.
constexpr PerMille settled_share = 998;

// Gives every part of a placement's units its verdict and its actions.
class Judge {
  public:
    Judge(const Snapshot& snapshot, const PlannerSettings& settings, const Units& chosen,
          Plan& plan)
        : snapshot_(snapshot), settings_(settings), chosen_(chosen), plan_(plan) {
        for (std::size_t n = 0; n < snapshot.topology.nodes.size(); ++n) {
            const HostNode& node = snapshot.topology.nodes[n];
            if (node.memory_total - node.memory_available > filled_at_most(node, settings))
                full_now_.insert(NodeIndex(n));
        }
    }

    // Before the search.
    void note_shortage(const Placement& placement) {
        room_before_.clear();
        for (std::size_t n = 0; n < placement.node_count(); ++n)
            room_before_.push_back(placement.room(NodeIndex(n)));
    }

    void add(const Refusal& refusal) {
        const Verdict& verdict = refusal.verdict;
        const bool for_a_while =
            verdict.reason == Reason::split || (verdict.reason == Reason::unsteady && verdict.acts);
        if (!for_a_while) unpin(*refusal.cell, {});
        plan_.verdicts.push_back(verdict);
    }

    // Units from `first` on.
    void judge(const Placement& placement, std::size_t first) {
        room_.clear();
        for (std::size_t pool = 0; pool < placement.pool_count(); ++pool)
            for (std::size_t n = 0; n < placement.node_count(); ++n)
                room_[{pool, NodeIndex(n)}] = placement.room(NodeIndex(n), pool);
        for (std::size_t i = first; i < placement.units().size(); ++i)
            for (const Unit::Part& part : placement.units()[i].parts)
                judge_part(placement, i, part);
    }

    void schedule_moves() {
        MoveSchedule schedule =
            vnuma::schedule_moves(std::move(moves_), snapshot_.topology, settings_);
        for (MoveMemory& move : schedule.begin)
            plan_.actions.emplace_back(std::move(move));
        for (const WaitingMove& move : schedule.wait)
            plan_.verdicts[move.verdict].home->queued_behind = move.queued_behind;
    }

  private:
    void judge_part(const Placement& placement, std::size_t index, const Unit::Part& part) {
        const Unit& unit = placement.units()[index];
        const CellState& cell = *part.cell;
        Verdict& verdict = plan_.verdicts.emplace_back();
        verdict.key = cell.key;
        verdict.acts = part.guest->policy.mode == Mode::act;
        verdict.group_parted = unit.group_parted;
        const bool shard = cell.key.shard != CellKey::whole;
        if (shard)
            verdict.vcpus = chosen_.shards.at(cell.key.uuid)
                                .partition[static_cast<std::size_t>(cell.key.shard)];
        if (!unit.home) {
            Homeless why = why_homeless(placement, index);
            verdict.reason = why.reason;
            verdict.alternative = std::move(why.nearest);
            unpin(cell, verdict.vcpus);
            return;
        }
        const NodeIndex home = *unit.home;
        const Placement::Marginal here = placement.marginal(index, home);
        verdict.home = Home{home, here.all};
        const std::vector<std::size_t> groups =
            shard ? extents_to_bring(placement, part, home) : std::vector<std::size_t>();
        count_memory(*verdict.home, part, groups);
        // A cell of memory only has nothing to confine.
        const bool confined = cell.vcpus == 0 || cell.confined_to == home;
        verdict.reason =
            reason_for(unit, part.known, confined && verdict.home->to_move == 0, verdict);
        verdict.alternative = best_alternative(placement, index, here);
        if (verdict.reason != Reason::retry_later)
            verdict.wait = wait_for(unit, verdict.alternative);
        if (auto& former = verdict.home->former)
            former->cost = placement.marginal(index, former->node).all;
        if (verdict.reason == Reason::better_home &&
            verdict.home->cost >= verdict.home->former->cost)
            verdict.reason = Reason::made_way;
        if (!verdict.acts) unpin(cell, verdict.vcpus);
        const Mode mode = part.guest->policy.mode;
        if (mode >= Mode::advise && verdict.reason != Reason::retry_later) {
            std::vector<Action>& actions = verdict.acts ? plan_.actions : plan_.advised;
            if (!confined) actions.emplace_back(PinCell{cell.key, home, verdict.vcpus});
            MoveMemory move{cell.key, home, verdict.home->to_move, verdict.vcpus, groups};
            if (move.bytes > 0 && verdict.acts)
                want_move(part, std::move(move));
            else if (move.bytes > 0)
                actions.emplace_back(std::move(move));
        }
    }

    // Of the last verdict.
    void want_move(const Unit::Part& part, MoveMemory move) {
        const CellState& cell = *part.cell;
        WantedMove wanted{std::move(move),
                          plan_.verdicts.size() - 1,
                          cell.huge_page,
                          cell.residency,
                          false,
                          part.guest->policy.priority,
                          0};
        const bool known =
            std::any_of(cell.heat.begin(), cell.heat.end(), [](Bytes bytes) { return bytes > 0; });
        const std::vector<Bytes>& accesses = known ? cell.heat : cell.residency;
        std::int64_t all = 0, away = 0;  // MiB
        for (std::size_t n = 0; n < accesses.size(); ++n) {
            all += accesses[n] / mib;
            if (NodeIndex(n) == wanted.move.to) continue;
            away += accesses[n] / mib;
            wanted.relieves |= cell.huge_page == 0 && full_now_.contains(NodeIndex(n)) &&
                               cell.residency[n] > settled_bytes;
        }
        const PerMille share = away * 1000 / std::max<std::int64_t>(all, 1);
        wanted.gain =
            cell.cpu_use * share / 1000 * 1024 / std::max<std::int64_t>(wanted.move.bytes / mib, 1);
        moves_.push_back(std::move(wanted));
    }

    // Also of a guest whose policy is only now not to be acted on: that is done before.
    void unpin(const CellState& cell, const std::vector<std::size_t>& vcpus) {
        if (cell.pinned) plan_.actions.emplace_back(UnpinCell{cell.key, vcpus});
    }

    // Of the groups that a shard touches most, those that only shards with this home touch: what
    // others touch too is left where it is, so that it does not go to and fro. What several shards
    // touch is in nobody's account, so there has to be room for it.
    std::vector<std::size_t> extents_to_bring(const Placement& placement, const Unit::Part& part,
                                              NodeIndex home) {
        const Shards& shards = chosen_.shards.at(part.cell->key.uuid);
        std::vector<bool> here(shards.partition.size());
        for (const Unit& unit : placement.units()) {
            const CellKey& key = unit.parts.front().cell->key;
            if (key.uuid == part.cell->key.uuid && key.shard != CellKey::whole)
                here[static_cast<std::size_t>(key.shard)] = unit.home == home;
        }
        std::vector<std::size_t> groups;
        for (std::size_t g = 0; g < shards.ownership.owner.size(); ++g) {
            if (shards.ownership.owner[g] != static_cast<std::size_t>(part.cell->key.shard))
                continue;
            std::uint64_t all = 0, local = 0;
            for (std::size_t s = 0; s < here.size(); ++s) {
                all += shards.ownership.accesses[s][g];
                local += here[s] ? shards.ownership.accesses[s][g] : 0;
            }
            if (!is_nearly_all(local, all)) continue;
            const Bytes shared = shared_away(part, home, g, shards.ownership);
            Bytes& room = room_.at({part.pool, home});
            if (shared > std::max<Bytes>(room, 0)) continue;
            room -= shared;
            groups.push_back(g);
        }
        return groups;
    }

    // Of a group that several shards touch, what is elsewhere.
    static Bytes shared_away(const Unit::Part& part, NodeIndex home, std::size_t group,
                             const Ownership& ownership) {
        Bytes away = 0;
        if (belongs_to(ownership, group, static_cast<std::size_t>(part.cell->key.shard)))
            return away;
        for (std::size_t n = 0; n < part.cell->residency.size(); ++n)
            if (NodeIndex(n) != home) away += part.guest->wide->shared[group][n];
        return away;
    }

    void count_memory(Home& home, const Unit::Part& part,
                      const std::vector<std::size_t>& groups) const {
        const CellState& cell = *part.cell;
        if (!cell.movable) return;
        Bytes away = total_bytes(cell) - cell.residency[home.node];
        if (cell.key.shard != CellKey::whole)
            for (const std::size_t g : groups)
                away += shared_away(part, home.node, g, chosen_.shards.at(cell.key.uuid).ownership);
        if (away <= settled_bytes || away <= total_bytes(cell) / 1000 * (1000 - settled_share))
            return;
        (part.stays_at.contains(home.node) ? home.left_away : home.to_move) = away;
    }

    Reason reason_for(const Unit& unit, const CellHistory* known, bool arrived,
                      Verdict& verdict) const {
        if (!known) return unit.former ? Reason::with_group : Reason::first_home;
        if (known->home != *unit.home) {
            FormerHome& former = verdict.home->former.emplace();
            former.node = known->home;
            const bool joins = !unit.former;  // it had one for itself
            if (joins || (unit.former && known->home != *unit.former)) return Reason::with_group;
            if (!unit.displaced.empty()) {
                verdict.detail = unit.displaced;
                return Reason::displaced;
            }
            if (room_before_[known->home] >= 0) return Reason::better_home;
            former.above_watermark = -room_before_[known->home];
            return Reason::relief;
        }
        if (arrived) return Reason::settled;
        if (snapshot_.now >= known->retry_at) return Reason::settling;
        verdict.wait = known->retry_at - snapshot_.now;
        return Reason::retry_later;
    }

    const Snapshot& snapshot_;
    const PlannerSettings& settings_;
    const Units& chosen_;
    Plan& plan_;
    std::vector<WantedMove> moves_;
    NodeSet full_now_;                // above their watermark, wherever what is there will go
    std::vector<Bytes> room_before_;  // by node; negative where it was short of memory
    // By pool and node, beyond what is placed there.
    std::map<std::pair<std::size_t, NodeIndex>, Bytes> room_;
};

// Guests that something may be done to are placed as if the others stayed where they are; of those
// it is said what would be best, given that.
void place(const Snapshot& snapshot, const PlannerSettings& settings, Units& chosen, Judge& judge) {
    std::vector<const CellState*> bystanders;
    for (const Refusal& refusal : chosen.refusals)
        if (refusal.verdict.reason != Reason::split) bystanders.push_back(refusal.cell);
    std::vector<const CellState*> in_place = bystanders;
    for (const Unit& unit : chosen.watched)
        for (const Unit::Part& part : unit.parts)
            in_place.push_back(part.cell);
    Placement acting(snapshot, settings, std::move(chosen.acting), in_place, chosen.held_apart);
    judge.note_shortage(acting);
    search(acting);
    judge.judge(acting, 0);
    if (chosen.watched.empty()) return;
    std::vector<Unit> all = acting.units();
    const std::size_t first = all.size();
    for (Unit& unit : all)
        unit.fixed = true, unit.former = unit.home;
    for (Unit& unit : chosen.watched) {
        for (Unit::Coupling& coupling : unit.couplings)
            coupling.other += first;
        all.push_back(std::move(unit));
    }
    Placement watched(snapshot, settings, std::move(all), bystanders, chosen.held_apart);
    judge.note_shortage(watched);
    search(watched);
    judge.judge(watched, first);
}

}  // namespace

Plan plan(const Snapshot& snapshot, const History& history, const PlannerSettings& settings) {
    Units chosen = choose_units(snapshot, history, settings);
    Plan plan;
    plan.verdicts.reserve(chosen.refusals.size() + chosen.acting.size() + chosen.watched.size());
    Judge judge(snapshot, settings, chosen, plan);
    for (const Refusal& refusal : chosen.refusals)
        judge.add(refusal);
    place(snapshot, settings, chosen, judge);
    judge.schedule_moves();
    const auto by_key = [](const Verdict& a, const Verdict& b) { return a.key < b.key; };
    // Mostly they are: guests are gone over in this order.
    if (!std::is_sorted(plan.verdicts.begin(), plan.verdicts.end(), by_key))
        std::sort(plan.verdicts.begin(), plan.verdicts.end(), by_key);
    for (std::vector<Action>* actions : {&plan.actions, &plan.advised})
        std::stable_partition(actions->begin(), actions->end(), [](const Action& action) {
            return !std::holds_alternative<MoveMemory>(action);
        });
    return plan;
}

}  // namespace vnuma
