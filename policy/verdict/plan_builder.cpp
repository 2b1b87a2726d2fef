#include "policy/verdict/plan_builder.hpp"

#include <algorithm>

#include "policy/verdict/alternatives.hpp"

namespace vnuma {
namespace {

// A cell is at home once this share of its memory is.
constexpr PerMille settled_share = 998;

bool is_shard(const CellState& cell) {
    return cell.key.shard != CellKey::whole;
}

// Memory that accesses go to: by heat, or all of it where no heat is known.
const std::vector<Bytes>& accessed_bytes(const CellState& cell) {
    const bool known =
        std::any_of(cell.heat.begin(), cell.heat.end(), [](Bytes bytes) { return bytes > 0; });
    return known ? cell.heat : cell.residency;
}

}  // namespace

PlanBuilder::PlanBuilder(const Snapshot& snapshot, const PlannerSettings& settings,
                         const Units& chosen)
    : snapshot_(snapshot), settings_(settings), chosen_(chosen) {
    plan_.verdicts.reserve(chosen.refusals.size() + chosen.acting.size() + chosen.watched.size());
    for (std::size_t n = 0; n < snapshot.topology.nodes.size(); ++n) {
        const HostNode& node = snapshot.topology.nodes[n];
        if (node.memory_total - node.memory_available > max_used_memory(node, settings))
            above_watermark_.insert(NodeIndex(n));
    }
}

void PlanBuilder::add_refusal(const Refusal& refusal) {
    const Verdict& verdict = refusal.verdict;
    const bool keeps_pins =
        verdict.reason == Reason::split || (verdict.reason == Reason::unsteady && verdict.acts);
    if (!keeps_pins) unpin(*refusal.cell, {});
    plan_.verdicts.push_back(verdict);
    plan_.verdicts.back().unspread_vcpus = refusal.cell->unspread_vcpus;
}

void PlanBuilder::add_units(const Placement& placement, std::size_t first,
                            const std::vector<Bytes>& room_before) {
    room_before_ = room_before;
    shard_extents_.emplace(placement, chosen_.splits);
    for (std::size_t i = first; i < placement.units().size(); ++i)
        for (std::size_t part = 0; part < placement.units()[i].parts.size(); ++part)
            add_part(placement, i, part);
}

void PlanBuilder::add_part(const Placement& placement, std::size_t index, std::size_t part_index) {
    const Unit& unit = placement.units()[index];
    const Unit::Part& part = unit.parts[part_index];
    const CellState& cell = *part.cell;
    Verdict& verdict = plan_.verdicts.emplace_back();
    verdict.key = cell.key;
    verdict.acts = part.guest->policy.mode == Mode::act;
    verdict.group_parted = unit.group_parted;
    verdict.unspread_vcpus = cell.unspread_vcpus;
    if (is_shard(cell))
        verdict.vcpus =
            chosen_.splits.at(cell.key.uuid).partition[static_cast<std::size_t>(cell.key.shard)];
    const Place home = placement.home(index);
    const Placement::Marginal here = placement.marginal(index, home);
    verdict.alternative = best_alternative(placement, index, here);
    if (!home) {
        explain_roaming(placement, index, here.all, verdict);
        unpin(cell, verdict.vcpus);
        return;
    }
    verdict.home = Home{*home, here.all};
    if (const NodeIndex memory = placement.memory_of(*home); memory != *home)
        verdict.home->memory = memory;
    std::vector<std::size_t> extents;
    if (is_shard(cell)) extents = shard_extents_->choose(index, part);
    count_memory_away(placement.parts(index)[part_index],
                      shard_extents_->shared_away(part, verdict.home->memory_node(), extents),
                      *verdict.home);
    // A cell of memory only has nothing to pin.
    const bool is_confined = cell.vcpus == 0 || cell.confined_to == home;
    set_reason(placement, index, part.known, is_confined && verdict.home->to_move == 0, verdict);
    if (verdict.reason != Reason::retry_later) verdict.wait = wait_for(unit, verdict.alternative);
    if (!verdict.acts) unpin(cell, verdict.vcpus);
    add_actions(part, is_confined, verdict, std::move(extents));
}

void PlanBuilder::count_memory_away(const Placement::Part& part, Bytes shared_away,
                                    Home& home) const {
    const CellState& cell = *part.cell;
    if (!cell.movable) return;
    const Bytes away = total_bytes(cell) - cell.residency[home.memory_node()] + shared_away;
    if (away <= settled_bytes || away <= total_bytes(cell) / 1000 * (1000 - settled_share)) return;
    (part.stays_at.contains(home.node) ? home.left_away : home.to_move) = away;
}

// A unit roams by choice, or because no node may or can be its home.
void PlanBuilder::explain_roaming(const Placement& placement, std::size_t index, Cost cost,
                                  Verdict& verdict) {
    const Unit& unit = placement.units()[index];
    const auto& best = verdict.alternative;
    if (unit.may_roam && best && best->lack != Lack::memory && best->lack != Lack::apart) {
        verdict.reason = Reason::roams;
        verdict.roaming_cost = cost;
        if (unit.fixed) verdict.wait = std::max({unit.cooling, unit.shards_due, unit.changes_due});
        return;
    }
    Homeless why = why_homeless(placement, index);
    verdict.reason = why.reason;
    verdict.alternative = std::move(why.nearest);
}

void PlanBuilder::set_reason(const Placement& placement, std::size_t index,
                             const CellHistory* known, bool has_arrived, Verdict& verdict) const {
    const Unit& unit = placement.units()[index];
    Home& home = *verdict.home;
    if (unit.roamed) {
        verdict.reason = Reason::better_home;
        verdict.roaming_cost = placement.marginal(index, roaming).all;
        return;
    }
    if (!known || known->roams) {
        verdict.reason = unit.former ? Reason::with_group : Reason::first_home;
        return;
    }
    if (known->home == home.node) {
        const Millis retry_in = known->retry_at - snapshot_.now;
        verdict.reason = has_arrived    ? Reason::settled
                         : retry_in > 0 ? Reason::retry_later
                                        : Reason::settling;
        if (verdict.reason == Reason::retry_later) verdict.wait = retry_in;
        return;
    }
    FormerHome& former = home.former.emplace(FormerHome{known->home});
    former.cost = placement.marginal(index, known->home).all;
    // The group has no home yet, or another than the cell.
    const bool joins = !unit.former || known->home != *unit.former;
    const Bytes room = room_before_[known->home];
    if (joins) {
        verdict.reason = Reason::with_group;
    } else if (!unit.displaced.empty()) {
        verdict.reason = Reason::displaced;
        verdict.detail = unit.displaced;
    } else if (room < 0) {
        verdict.reason = Reason::relief;
        former.above_watermark = -room;
    } else {
        verdict.reason = home.cost < former.cost ? Reason::better_home : Reason::made_way;
    }
}

void PlanBuilder::add_actions(const Unit::Part& part, bool is_confined, const Verdict& verdict,
                              std::vector<std::size_t> extents) {
    if (part.guest->policy.mode < Mode::advise || verdict.reason == Reason::retry_later) return;
    const CellKey& key = part.cell->key;
    const Home& home = *verdict.home;
    std::vector<Action>& actions = verdict.acts ? plan_.actions : plan_.advised;
    if (!is_confined) actions.emplace_back(PinCell{key, home.node, verdict.vcpus});
    if (home.to_move == 0) return;
    MoveMemory move{key, home.memory_node(), home.to_move, verdict.vcpus, std::move(extents)};
    if (verdict.acts)
        request_move(part, std::move(move));
    else
        actions.emplace_back(std::move(move));
}

// Requests a move of the cell of the last verdict.
void PlanBuilder::request_move(const Unit::Part& part, MoveMemory move) {
    const CellState& cell = *part.cell;
    MoveRequest& request = moves_.emplace_back();
    request.verdict = plan_.verdicts.size() - 1;
    request.huge_page = cell.huge_page;
    request.from = cell.residency;
    request.priority = part.guest->policy.priority;
    const std::vector<Bytes>& accessed = accessed_bytes(cell);
    std::int64_t all = 0, away = 0;  // MiB
    for (std::size_t n = 0; n < accessed.size(); ++n) {
        all += accessed[n] / mib;
        if (NodeIndex(n) == move.to) continue;
        away += accessed[n] / mib;
        request.relieves |= cell.huge_page == 0 && above_watermark_.contains(NodeIndex(n)) &&
                            cell.residency[n] > settled_bytes;
    }
    const PerMille share = away * 1000 / std::max<std::int64_t>(all, 1);
    request.gain = cell.cpu_use * share / 1000 * 1024 / std::max<std::int64_t>(move.bytes / mib, 1);
    request.move = std::move(move);
}

void PlanBuilder::unpin(const CellState& cell, const std::vector<std::size_t>& vcpus) {
    if (cell.pinned) plan_.actions.emplace_back(UnpinCell{cell.key, vcpus});
}

Plan PlanBuilder::finish() {
    MoveSchedule schedule = schedule_moves(std::move(moves_), snapshot_.topology, settings_);
    for (MoveMemory& move : schedule.begin)
        plan_.actions.emplace_back(std::move(move));
    for (const WaitingMove& move : schedule.wait)
        plan_.verdicts[move.verdict].home->queued_behind = move.queued_behind;
    const auto by_key = [](const Verdict& a, const Verdict& b) { return a.key < b.key; };
    // Units come in this order. Only cells that are refused do not.
    if (!std::is_sorted(plan_.verdicts.begin(), plan_.verdicts.end(), by_key))
        std::sort(plan_.verdicts.begin(), plan_.verdicts.end(), by_key);
    for (std::vector<Action>* actions : {&plan_.actions, &plan_.advised})
        std::stable_partition(actions->begin(), actions->end(), [](const Action& action) {
            return !std::holds_alternative<MoveMemory>(action);
        });
    return std::move(plan_);
}

}  // namespace vnuma
