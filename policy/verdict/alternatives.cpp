#include "policy/verdict/alternatives.hpp"

#include <array>
#include <limits>

namespace vnuma {
namespace {

using Feasibility = Placement::Feasibility;

void say_lack(const Placement& placement, std::size_t index, Feasibility feasibility,
              Verdict& verdict) {
    const NodeIndex node = *verdict.alternative;
    if (feasibility == Feasibility::memory) {
        const Placement::Room room = placement.room_for(index, node);
        verdict.lack = Lack::memory;
        verdict.wanted = room.wanted;
        verdict.room = room.left;
    } else {
        const GuestState* other = placement.apart_from(index, node);
        verdict.lack = Lack::apart;
        verdict.apart_from = other ? other->name : "";
    }
}

// The other node that comes nearest; none where it does not fit any other.
struct Alternative {
    std::optional<NodeIndex> node;
    Placement::Marginal cost{};
    Feasibility feasibility = Feasibility::feasible;
};

Alternative best_alternative(const Placement& placement, std::size_t index) {
    constexpr Cost never = std::numeric_limits<Cost>::max();
    const Unit& unit = placement.units()[index];
    std::array<Cost, max_host_nodes> least;
    std::size_t first = *unit.home;
    for (std::size_t n = 0; n < placement.node_count(); ++n) {
        const NodeIndex node(n);
        const bool possible = node != *unit.home && unit.fits.contains(node);
        least[n] = possible ? placement.least(index, node).all : never;
        if (possible && (first == *unit.home || least[n] < least[first])) first = n;
    }
    Alternative best;
    const auto look_at = [&](std::size_t n) {
        const NodeIndex node(n);
        const bool best_free = best.node && best.feasibility == Feasibility::feasible;
        if (least[n] == never || (best_free && least[n] >= best.cost.all)) return;
        const Feasibility feasibility = placement.feasibility(index, node);
        const bool free = feasibility == Feasibility::feasible;
        const Placement::Marginal cost = placement.marginal(index, node);
        if (best.node && (free != best_free ? best_free : cost.all >= best.cost.all)) return;
        best = {node, cost, feasibility};
    };
    // Mostly it is the best, and no other has to be looked at more closely.
    look_at(first);
    for (std::size_t n = 0; n < placement.node_count(); ++n)
        if (n != first) look_at(n);
    return best;
}

}  // namespace

void describe_alternative(const Placement& placement, std::size_t index, Placement::Marginal here,
                          Verdict& verdict) {
    const Unit& unit = placement.units()[index];
    const Alternative best = best_alternative(placement, index);
    verdict.alternative = best.node;
    verdict.other_cost = best.cost.all;
    if (!verdict.alternative) {
        verdict.lack = placement.node_count() > 1 ? Lack::allowed : Lack::nothing;
    } else if (best.feasibility != Feasibility::feasible) {
        say_lack(placement, index, best.feasibility, verdict);
    } else if (best.cost.all >= here.all) {
        verdict.lack = Lack::cheaper;
    } else if (unit.fixed && unit.cooling < unit.shards_due) {
        verdict.lack = Lack::shards;
        if (verdict.reason != Reason::retry_later) verdict.wait = unit.shards_due;
    } else if (unit.fixed) {
        verdict.lack = Lack::cool_down;
        if (verdict.reason != Reason::retry_later) verdict.wait = unit.cooling;
    } else {
        // What is cheaper there is the load alone, which differs too little to count.
        const bool load_only = best.cost.all - best.cost.load >= here.all - here.load &&
                               !placement.balance_counts(*unit.home, *verdict.alternative);
        verdict.lack = load_only ? Lack::balance : Lack::margin;
    }
}

void describe_no_home(const Placement& placement, std::size_t index, Verdict& verdict) {
    Bytes least_missing = 0;
    Feasibility nearest = Feasibility::feasible;
    bool fits_any = false;
    for (std::size_t n = 0; n < placement.node_count(); ++n) {
        const NodeIndex node(n);
        const Feasibility feasibility = placement.feasibility(index, node);
        fits_any |= feasibility != Feasibility::not_allowed;
        const Placement::Room room = placement.room_for(index, node);
        const Bytes missing = room.wanted - room.left;
        const bool nearer =
            feasibility == Feasibility::memory
                ? nearest != Feasibility::memory || missing < least_missing
                : feasibility == Feasibility::apart && nearest == Feasibility::feasible;
        if (!nearer) continue;
        verdict.alternative = node, nearest = feasibility, least_missing = missing;
    }
    verdict.reason = nearest == Feasibility::apart ? Reason::kept_apart
                     : fits_any                    ? Reason::no_room
                                                   : Reason::too_large;
    if (verdict.alternative) say_lack(placement, index, nearest, verdict);
}

}  // namespace vnuma
