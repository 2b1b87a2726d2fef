#include "policy/elsewhere.hpp"

#include <array>
#include <limits>

namespace vnuma {
namespace {

using Obstacle = Placement::Obstacle;

void say_lack(const Placement& placement, std::size_t index, Obstacle obstacle, Verdict& verdict) {
    const NodeIndex node = *verdict.alternative;
    if (obstacle == Obstacle::memory) {
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
    Obstacle obstacle = Obstacle::none;
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
        const bool best_free = best.node && best.obstacle == Obstacle::none;
        if (least[n] == never || (best_free && least[n] >= best.cost.all)) return;
        const Obstacle obstacle = placement.obstacle(index, node);
        const bool free = obstacle == Obstacle::none;
        const Placement::Marginal cost = placement.marginal(index, node);
        if (best.node && (free != best_free ? best_free : cost.all >= best.cost.all)) return;
        best = {node, cost, obstacle};
    };
    // Mostly it is the best, and no other has to be looked at more closely.
    look_at(first);
    for (std::size_t n = 0; n < placement.node_count(); ++n)
        if (n != first) look_at(n);
    return best;
}

}  // namespace

void say_why_not_elsewhere(const Placement& placement, std::size_t index, Placement::Marginal here,
                           Verdict& verdict) {
    const Unit& unit = placement.units()[index];
    const Alternative best = best_alternative(placement, index);
    verdict.alternative = best.node;
    verdict.other_cost = best.cost.all;
    if (!verdict.alternative) {
        verdict.lack = placement.node_count() > 1 ? Lack::allowed : Lack::nothing;
    } else if (best.obstacle != Obstacle::none) {
        say_lack(placement, index, best.obstacle, verdict);
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

void say_why_nowhere(const Placement& placement, std::size_t index, Verdict& verdict) {
    Bytes least_missing = 0;
    Obstacle nearest = Obstacle::none;
    bool fits_any = false;
    for (std::size_t n = 0; n < placement.node_count(); ++n) {
        const NodeIndex node(n);
        const Obstacle obstacle = placement.obstacle(index, node);
        fits_any |= obstacle != Obstacle::not_allowed;
        const Placement::Room room = placement.room_for(index, node);
        const Bytes missing = room.wanted - room.left;
        const bool nearer = obstacle == Obstacle::memory
                                ? nearest != Obstacle::memory || missing < least_missing
                                : obstacle == Obstacle::apart && nearest == Obstacle::none;
        if (!nearer) continue;
        verdict.alternative = node, nearest = obstacle, least_missing = missing;
    }
    verdict.reason = nearest == Obstacle::apart ? Reason::kept_apart
                     : fits_any                 ? Reason::no_room
                                                : Reason::too_large;
    if (verdict.alternative) say_lack(placement, index, nearest, verdict);
}

}  // namespace vnuma
