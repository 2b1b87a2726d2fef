#include "policy/planner.hpp"

#include "policy/search/search.hpp"
#include "policy/units/choose_units.hpp"
#include "policy/verdict/plan_builder.hpp"

namespace vnuma {
namespace {

std::vector<Bytes> room_by_node(const Placement& placement) {
    std::vector<Bytes> room;
    for (std::size_t n = 0; n < placement.node_count(); ++n)
        room.push_back(placement.room(placement.memory_of(NodeIndex(n))));
    return room;
}

void search_and_add(Placement& placement, std::size_t first, PlanBuilder& plan) {
    const std::vector<Bytes> room_before = room_by_node(placement);
    search(placement);
    plan.add_units(placement, first, room_before);
}

// Units that keep the places they have been given, followed by those that vnumad does not act on.
std::vector<Unit> with_watched(const Placement& acting, const std::vector<Unit>& watched) {
    std::vector<Unit> units = acting.units();
    for (std::size_t i = 0; i < units.size(); ++i) {
        units[i].fixed = true;
        units[i].former = units[i].initial_home = acting.home(i);
        units[i].roamed = !acting.home(i);
        units[i].may_roam = units[i].roamed;
    }
    const std::size_t first = units.size();
    units.insert(units.end(), watched.begin(), watched.end());
    for (std::size_t i = first; i < units.size(); ++i)
        for (Unit::Coupling& coupling : units[i].couplings)
            coupling.other += first;
    return units;
}

// Guests that vnumad acts on are placed as if all others stayed where they are. The others are
// placed after them: their homes are what would be best then.
void place(const Snapshot& snapshot, const PlannerSettings& settings, const Units& chosen,
           PlanBuilder& plan) {
    std::vector<const CellState*> bystanders;
    for (const Refusal& refusal : chosen.refusals)
        if (refusal.verdict.reason != Reason::split) bystanders.push_back(refusal.cell);
    std::vector<const CellState*> in_place = bystanders;
    for (const Unit& unit : chosen.watched)
        for (const Unit::Part& part : unit.parts)
            in_place.push_back(part.cell);
    Placement acting(snapshot, settings, chosen.acting, in_place, chosen.held_apart);
    search_and_add(acting, 0, plan);
    if (chosen.watched.empty()) return;
    const std::vector<Unit> all = with_watched(acting, chosen.watched);
    Placement watched(snapshot, settings, all, bystanders, chosen.held_apart);
    search_and_add(watched, chosen.acting.size(), plan);
}

}  // namespace

Plan plan(const Snapshot& snapshot, const History& history, const PlannerSettings& settings) {
    const Units chosen = choose_units(snapshot, history, settings);
    PlanBuilder plan(snapshot, settings, chosen);
    for (const Refusal& refusal : chosen.refusals)
        plan.add_refusal(refusal);
    place(snapshot, settings, chosen, plan);
    return plan.finish();
}

}  // namespace vnuma
