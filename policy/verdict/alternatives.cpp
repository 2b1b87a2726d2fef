#include "policy/verdict/alternatives.hpp"

#include <array>
#include <limits>

namespace vnuma {
namespace {

using Feasibility = Placement::Feasibility;

// `feasibility` is memory, apart or cores.
Alternative infeasible(const Placement& placement, std::size_t unit, NodeIndex node,
                       Feasibility feasibility) {
    Alternative there{node};
    if (feasibility == Feasibility::memory) {
        const Placement::Room room = placement.room_for(unit, node);
        there.lack = Lack::memory;
        there.shortage = Shortage{room.wanted, room.left};
    } else if (feasibility == Feasibility::cores) {
        there.lack = Lack::cores;
    } else {
        const GuestState* other = placement.apart_from(unit, node);
        there.lack = Lack::apart;
        if (other) there.apart_from = other->name;
    }
    return there;
}

struct Candidate {
    NodeIndex node;
    Placement::Marginal cost;
    Feasibility feasibility = Feasibility::feasible;

    bool is_feasible() const { return feasibility == Feasibility::feasible; }
    bool is_better_than(const Candidate& other) const {
        return is_feasible() != other.is_feasible() ? is_feasible() : cost.all < other.cost.all;
    }
};

std::optional<Candidate> best_candidate(const Placement& placement, std::size_t index) {
    constexpr Cost never = std::numeric_limits<Cost>::max();
    const Place home = placement.home(index);
    const NodeSet fits = placement.units()[index].fits;
    std::array<Cost, max_host_nodes> least;  // lower bound by node
    std::optional<std::size_t> first;
    for (std::size_t n = 0; n < placement.node_count(); ++n) {
        const NodeIndex node(n);
        const bool possible = node != home && fits.contains(node);
        least[n] = possible ? placement.least_marginal(index, node).all : never;
        if (possible && (!first || least[n] < least[*first])) first = n;
    }
    if (!first) return std::nullopt;
    std::optional<Candidate> best;
    const auto consider = [&](std::size_t n) {
        if (least[n] == never || (best && best->is_feasible() && least[n] >= best->cost.all))
            return;
        const NodeIndex node(n);
        const Candidate candidate{node, placement.marginal(index, node),
                                  placement.feasibility(index, node)};
        if (!best || candidate.is_better_than(*best)) best = candidate;
    };
    // The node with the lowest bound is usually the best, and the bounds of the others rule them
    // out.
    consider(*first);
    for (std::size_t n = 0; n < placement.node_count(); ++n)
        if (n != *first) consider(n);
    return best;
}

// What keeps it at its place for longest.
Lack why_fixed(const Unit& unit) {
    if (unit.changes_due > std::max(unit.cooling, unit.shards_due)) return Lack::changes;
    return unit.cooling < unit.shards_due ? Lack::shards : Lack::cool_down;
}

}  // namespace

std::optional<Alternative> best_alternative(const Placement& placement, std::size_t index,
                                            Placement::Marginal here) {
    const std::optional<Candidate> best = best_candidate(placement, index);
    if (!best) return std::nullopt;
    const Unit& unit = placement.units()[index];
    if (!best->is_feasible()) {
        Alternative there = infeasible(placement, index, best->node, best->feasibility);
        there.cost = best->cost.all;
        return there;
    }
    Alternative there{best->node, Lack::margin, best->cost.all};
    if (best->cost.all >= here.all) {
        there.lack = Lack::cheaper;
    } else if (unit.fixed) {
        there.lack = why_fixed(unit);
    } else if (const Place home = placement.home(index);
               home && best->cost.all - best->cost.load >= here.all - here.load &&
               !placement.load_matters(index, *home, best->node)) {
        there.lack = Lack::balance;
    }
    return there;
}

Millis wait_for(const Unit& unit, const std::optional<Alternative>& alternative) {
    if (alternative && alternative->lack == Lack::cool_down) return unit.cooling;
    if (alternative && alternative->lack == Lack::shards) return unit.shards_due;
    if (alternative && alternative->lack == Lack::changes) return unit.changes_due;
    return 0;
}

Homeless why_homeless(const Placement& placement, std::size_t index) {
    Bytes least_missing = 0;
    std::optional<NodeIndex> nearest;
    Feasibility feasibility = Feasibility::feasible;  // of the nearest
    bool fits_any = false;
    for (std::size_t n = 0; n < placement.node_count(); ++n) {
        const NodeIndex node(n);
        const Feasibility there = placement.feasibility(index, node);
        fits_any |= there != Feasibility::not_allowed;
        const Placement::Room room = placement.room_for(index, node);
        const Bytes missing = room.wanted - room.left;
        const bool nearer = there == Feasibility::memory
                                ? feasibility != Feasibility::memory || missing < least_missing
                                : there == Feasibility::apart && !nearest;
        if (nearer) nearest = node, feasibility = there, least_missing = missing;
    }
    Homeless why;
    why.reason = feasibility == Feasibility::apart ? Reason::kept_apart
                 : fits_any                        ? Reason::no_room
                                                   : Reason::too_large;
    if (nearest) why.nearest = infeasible(placement, index, *nearest, feasibility);
    return why;
}

}  // namespace vnuma
