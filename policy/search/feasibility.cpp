// What nodes have room for: units, swaps of units, and memory that follows them.
#include <algorithm>

#include "policy/search/placement.hpp"

namespace vnuma {

Placement::Feasibility Placement::feasibility(std::size_t index, NodeIndex node) const {
    const Unit& unit = units()[index];
    if (!unit.fits.contains(node)) return Feasibility::not_allowed;
    if (home(index) == node) return Feasibility::feasible;
    if (unit.apart_group && others_apart(index, node) > 0) return Feasibility::apart;
    if (!has_room_for(index, node)) return Feasibility::memory;
    return would_share_cores(index, node) ? Feasibility::cores : Feasibility::feasible;
}

// Whether a unit that may roam would need the SMT siblings of a node. Threads that share a core
// take longer for the same work. So its CPU use would grow at this home until the home costs more
// than none, and shrink again without it.
bool Placement::would_share_cores(std::size_t index, NodeIndex node) const {
    const CpuLoad::Place place{placed_[index].mask, node};
    return units()[index].may_roam && load_.cores(place) < load_.capacity(place) &&
           cpu_use(index) > load_.cores(place);
}

bool Placement::has_cores_for(std::size_t index) const {
    for (std::size_t n = 0; n < nodes_; ++n)
        if (units()[index].fits.contains(NodeIndex(n)) && !would_share_cores(index, NodeIndex(n)))
            return true;
    return false;
}

bool Placement::leaves_memory_behind(std::size_t unit, Place to) const {
    return !to || std::any_of(parts(unit).begin(), parts(unit).end(), [&](const Part& part) {
        return part.stays_at.contains(*to);
    });
}

Placement::Room Placement::room_for(std::size_t unit, Place to) const {
    const bool everywhere = leaves_memory_behind(unit, to);
    Room tightest;
    for (std::size_t pool = 0; pool < page_.size(); ++pool)
        for (std::size_t n = 0; n < nodes_; ++n) {
            const NodeIndex node(n);
            const bool is_home = to && memory_of(*to) == node;
            if (!is_home && !everywhere) continue;
            const Bytes wanted = added_bytes(unit, pool, node, home(unit), to);
            if (wanted <= 0) continue;
            const Bytes left = room_left(node, pool, is_home);
            if (tightest.wanted == 0 || left - wanted < tightest.left - tightest.wanted)
                tightest = {wanted, left};
        }
    return tightest;
}

int Placement::others_apart(std::size_t index, NodeIndex node) const {
    const Unit& unit = units()[index];
    const auto own = own_apart_.find({unit.parts.front().guest, node});
    return apart_[*unit.apart_group][node] - (own == own_apart_.end() ? 0 : own->second);
}

const GuestState* Placement::apart_from(std::size_t unit, NodeIndex node) const {
    const GuestState& own = *units()[unit].parts.front().guest;
    const GuestState* first = nullptr;
    for (const auto& [held, cells] : own_apart_) {
        const auto& [guest, at] = held;
        if (cells > 0 && at == node && guest != &own && guest->policy.group == own.policy.group &&
            (!first || guest->uuid < first->uuid))
            first = guest;
    }
    return first;
}

bool Placement::can_move_memory(std::size_t unit) const {
    return std::any_of(parts(unit).begin(), parts(unit).end(),
                       [](const Part& part) { return part.cell->movable; });
}

bool Placement::has_room_to_pass(NodeIndex node, std::size_t pool) const {
    return room(node, pool) >= std::max(swap_room, page_[pool]);
}

bool Placement::can_swap(std::size_t a, std::size_t b) const {
    const Unit &first = units()[a], &second = units()[b];
    const NodeIndex home_a = *home(a), home_b = *home(b);
    if (home_a == home_b || !first.fits.contains(home_b) || !second.fits.contains(home_a))
        return false;
    const auto apart_after = [&](std::size_t coming, std::size_t leaving, NodeIndex to) {
        const Unit &comes = units()[coming], &leaves = units()[leaving];
        if (!comes.apart_group) return false;
        const bool other_leaves = leaves.apart_group == comes.apart_group &&
                                  leaves.parts.front().guest != comes.parts.front().guest;
        return others_apart(coming, to) > (other_leaves ? 1 : 0);
    };
    if (apart_after(a, b, home_b) || apart_after(b, a, home_a)) return false;
    const NodeIndex memory_a = memory_of(home_a), memory_b = memory_of(home_b);
    const bool everywhere = leaves_memory_behind(a, home_b) || leaves_memory_behind(b, home_a);
    for (std::size_t pool = 0; pool < page_.size(); ++pool) {
        // Their memory passes each other through the room that one of the nodes has left.
        const bool both_move = can_move_memory(a) && can_move_memory(b) &&
                               brought(b, pool, home_a) > settled_bytes &&
                               brought(a, pool, home_b) > settled_bytes;
        if (both_move && !has_room_to_pass(memory_a, pool) && !has_room_to_pass(memory_b, pool))
            return false;
        for (std::size_t n = 0; n < nodes_; ++n) {
            const NodeIndex node(n);
            const bool is_home = node == memory_a || node == memory_b;
            if (!is_home && !everywhere) continue;
            const Bytes added = added_bytes(a, pool, node, home_a, home_b) +
                                added_bytes(b, pool, node, home_b, home_a);
            if (added > 0 && added > room_left(node, pool, is_home)) return false;
        }
    }
    return true;
}

void Placement::add_flow(std::size_t unit, std::size_t pool, Flow& flow) const {
    const NodeIndex to = memory_of(*home(unit));
    for (const Part& part : parts(unit)) {
        if (part.pool != pool || !part.cell->movable || part.stays_at.contains(*home(unit)))
            continue;
        for (std::size_t n = 0; n < nodes_; ++n) {
            if (NodeIndex(n) == to || part.cell->residency[n] <= settled_bytes) continue;
            flow.to[n].insert(to);
            if (!has_room_to_pass(to, pool)) flow.blocked.insert(to);
        }
    }
}

bool Placement::memory_can_follow(const Placement& before) const {
    for (std::size_t pool = 0; pool < page_.size(); ++pool) {
        Flow flow{std::vector<NodeSet>(nodes_), {}};
        for (std::size_t i = 0; i < placed_.size(); ++i)
            if (home(i) && home(i) != before.home(i)) add_flow(i, pool, flow);
        // A node whose memory all goes to nodes with room is emptied and has room for what comes
        // then. Nodes that remain blocked wait for each other in a circle.
        for (bool freed = true; freed;) {
            freed = false;
            for (std::size_t n = 0; n < nodes_; ++n)
                if (flow.blocked.contains(NodeIndex(n)) && (flow.to[n] & flow.blocked).empty())
                    flow.blocked.erase(NodeIndex(n)), freed = true;
        }
        if (!flow.blocked.empty()) return false;
    }
    return true;
}

bool Placement::relieves(std::size_t unit, Place to) const {
    const Place here = home(unit);
    return here && to && can_move_memory(unit) && is_short_of_memory(*here) &&
           !is_short_of_memory(*to) && added_bytes(unit, 0, memory_of(*here), here, to) < 0;
}

}  // namespace vnuma
