// Whether units may be at nodes, change places, and have their memory follow.
#include <algorithm>

#include "policy/search/placement.hpp"

namespace vnuma {
namespace {

bool any_moves(const Unit& unit) {
    return std::any_of(unit.parts.begin(), unit.parts.end(),
                       [](const Unit::Part& part) { return part.cell->movable; });
}

}  // namespace

Placement::Feasibility Placement::feasibility(std::size_t index, NodeIndex node) const {
    const Unit& unit = units_[index];
    if (!unit.fits.contains(node)) return Feasibility::not_allowed;
    if (unit.home == node) return Feasibility::feasible;
    if (unit.apart_group && others_apart(unit, node) > 0) return Feasibility::apart;
    const Room room = room_for(index, node);
    return room.wanted > 0 && room.wanted > room.left ? Feasibility::memory : Feasibility::feasible;
}

Placement::Room Placement::room_for(std::size_t index, NodeIndex node) const {
    Room tightest;
    for (std::size_t pool = 0; pool < page_.size(); ++pool) {
        const Bytes wanted = brought(units_[index], pool, node);
        if (wanted <= 0) continue;
        const Bytes left = left_for_others(node, pool);
        if (tightest.wanted == 0 || left - wanted < tightest.left - tightest.wanted)
            tightest = {wanted, left};
    }
    return tightest;
}

const GuestState* Placement::apart_from(std::size_t index, NodeIndex node) const {
    const Unit& unit = units_[index];
    const GuestState& own = *unit.parts.front().guest;
    const GuestState* first = nullptr;
    for (const auto& [held, cells] : own_apart_) {
        const auto& [guest, at] = held;
        if (cells > 0 && at == node && guest != &own && guest->policy.group == own.policy.group &&
            (!first || guest->uuid < first->uuid))
            first = guest;
    }
    return first;
}

bool Placement::can_swap(std::size_t a, std::size_t b) const {
    const Unit &first = units_[a], &second = units_[b];
    const NodeIndex home_a = *first.home, home_b = *second.home;
    if (home_a == home_b || !first.fits.contains(home_b) || !second.fits.contains(home_a))
        return false;
    const auto apart_after = [&](const Unit& unit, const Unit& leaving, NodeIndex to) {
        if (!unit.apart_group) return false;
        const bool other_leaves = leaving.apart_group == unit.apart_group &&
                                  leaving.parts.front().guest != unit.parts.front().guest;
        return others_apart(unit, to) > (other_leaves ? 1 : 0);
    };
    if (apart_after(first, second, home_b) || apart_after(second, first, home_a)) return false;
    for (std::size_t pool = 0; pool < page_.size(); ++pool) {
        const Bytes to_a = swapped(second, first, pool), to_b = swapped(first, second, pool);
        // They pass each other in what is left.
        const bool both_move = any_moves(first) && any_moves(second) &&
                               brought(second, pool, home_a) > settled_bytes &&
                               brought(first, pool, home_b) > settled_bytes;
        if (both_move &&
            std::max(room(home_a, pool), room(home_b, pool)) < std::max(passing_room, page_[pool]))
            return false;
        if ((to_b > 0 && to_b > left_for_others(home_b, pool)) ||
            (to_a > 0 && to_a > left_for_others(home_a, pool)))
            return false;
    }
    return true;
}

void Placement::note_flow(const Unit& unit, std::size_t pool, Flow& flow) const {
    const NodeIndex to = *unit.home;
    for (const Unit::Part& part : unit.parts) {
        if (part.pool != pool || !part.cell->movable || part.stays_at.contains(to)) continue;
        for (std::size_t n = 0; n < nodes_; ++n) {
            if (NodeIndex(n) == to || part.cell->residency[n] <= settled_bytes) continue;
            flow.from[n].insert(to);
            if (room(to, pool) < std::max(passing_room, page_[pool])) flow.tight.insert(to);
        }
    }
}

bool Placement::can_follow(const Placement& before) const {
    for (std::size_t pool = 0; pool < page_.size(); ++pool) {
        Flow flow{std::vector<NodeSet>(nodes_), {}};
        for (std::size_t i = 0; i < units_.size(); ++i)
            if (units_[i].home && units_[i].home != before.units_[i].home)
                note_flow(units_[i], pool, flow);
        // One from which all can leave has room for what comes then. The rest go round in circles.
        for (bool freed = true; freed;) {
            freed = false;
            for (std::size_t n = 0; n < nodes_; ++n)
                if (flow.tight.contains(NodeIndex(n)) && (flow.from[n] & flow.tight).empty())
                    flow.tight.erase(NodeIndex(n)), freed = true;
        }
        if (!flow.tight.empty()) return false;
    }
    return true;
}

bool Placement::relieves(std::size_t index, NodeIndex to) const {
    const Unit& unit = units_[index];
    return any_moves(unit) && is_short_of_memory(*unit.home) && !is_short_of_memory(to) &&
           filled(unit, 0, *unit.home, to) < filled(unit, 0, *unit.home, unit.home);
}

}  // namespace vnuma
