#include "policy/evictions.hpp"

#include <algorithm>
#include <utility>

#include "policy/search/placement.hpp"

namespace vnuma {
namespace {

// Exchanges are tried between at most this many units on either side.
constexpr std::size_t max_exchange_candidates = 64;

Bytes bytes_of(const Unit& unit) {
    Bytes bytes = 0;
    for (const Unit::Part& part : unit.parts)
        bytes += full_bytes(*part.cell);
    return bytes;
}

// The attempt to make room for a unit on one node.
class Attempt {
  public:
    Attempt(const Placement& placement, std::size_t unit, NodeIndex node,
            const std::vector<bool>& evictable)
        : placement_(placement), unit_(unit), node_(node), evictable_(evictable) {}

    // Units leave the node; if that does not suffice, units change places with smaller ones.
    bool run() {
        evict();
        exchange();
        if (!has_room()) return false;
        placement_.put(unit_, node_);
        return true;
    }

    Bytes bytes() const { return bytes_; }
    Placement& placement() { return placement_; }
    std::vector<Eviction>& evictions() { return evictions_; }

  private:
    const Unit& unit(std::size_t index) const { return placement_.units()[index]; }

    bool is_feasible(std::size_t unit, NodeIndex node) const {
        return placement_.feasibility(unit, node) == Placement::Feasibility::feasible;
    }
    bool has_room() const { return is_feasible(unit_, node_); }
    Bytes room() const { return placement_.room(placement_.memory_of(node_)); }

    // Evictable units whose home is the node, or is not, the smallest first.
    std::vector<std::size_t> evictable_units(bool on_node) const {
        std::vector<std::pair<Bytes, std::size_t>> ranked;
        for (std::size_t i = 0; i < placement_.units().size(); ++i)
            if (const auto home = placement_.home(i);
                evictable_[i] && home && (*home == node_) == on_node)
                ranked.emplace_back(bytes_of(unit(i)), i);
        std::sort(ranked.begin(), ranked.end());
        std::vector<std::size_t> units;
        units.reserve(ranked.size());
        for (const auto& [bytes, index] : ranked)
            units.push_back(index);
        return units;
    }

    void add_evictions(const Unit& evicted, NodeIndex from, NodeIndex to) {
        bytes_ += bytes_of(evicted);
        for (const Unit::Part& part : evicted.parts)
            evictions_.push_back({part.cell->key, from, to});
    }

    // Evicts the smallest units first, each to the node where it costs least.
    void evict() {
        for (const std::size_t other : evictable_units(true)) {
            if (has_room() || evictions_.size() >= max_evictions) return;
            const auto to = cheapest_other_node(other);
            if (!to) continue;
            const Bytes before = room();
            placement_.put(other, to);
            // Nothing is gained if the unit's memory is on another node or in a pool.
            if (room() <= before)
                placement_.put(other, node_);
            else
                add_evictions(unit(other), node_, *to);
        }
    }

    std::optional<NodeIndex> cheapest_other_node(std::size_t unit) const {
        std::optional<NodeIndex> best;
        Cost best_cost = 0;
        for (std::size_t n = 0; n < placement_.node_count(); ++n) {
            const NodeIndex to(n);
            if (to == node_ || !is_feasible(unit, to)) continue;
            const Cost cost = placement_.marginal(unit, to).all;
            if (!best || cost < best_cost) best = to, best_cost = cost;
        }
        return best;
    }

    struct Exchange {
        std::size_t leaves = 0, comes = 0;  // units
        bool suffices = false;              // makes enough room for the unit
        Bytes gain = 0, bytes = 0;          // room on the node; memory to move

        bool is_better_than(const Exchange& other) const {
            if (suffices != other.suffices) return suffices;
            return suffices ? bytes < other.bytes : gain > other.gain;
        }
    };

    void exchange() {
        while (!has_room()) {
            const auto best = best_exchange();
            if (!best) return;
            const Unit &leaves = unit(best->leaves), &comes = unit(best->comes);
            if (evictions_.size() + leaves.parts.size() + comes.parts.size() > max_evictions)
                return;
            // The smaller unit moves first: there may be room for it before the other has left.
            const NodeIndex other = *placement_.home(best->comes);
            add_evictions(comes, other, node_);
            add_evictions(leaves, node_, other);
            swap_homes(best->leaves, best->comes);
        }
    }

    // Between the largest units on the node and the smallest ones on other nodes.
    std::optional<Exchange> best_exchange() {
        std::vector<std::size_t> here = evictable_units(true), on_others = evictable_units(false);
        std::reverse(here.begin(), here.end());
        here.resize(std::min(here.size(), max_exchange_candidates));
        on_others.resize(std::min(on_others.size(), max_exchange_candidates));
        std::optional<Exchange> best;
        const Bytes before = room();
        for (const std::size_t leaves : here)
            for (const std::size_t comes : on_others) {
                if (!placement_.can_swap(leaves, comes)) continue;
                swap_homes(leaves, comes);
                const Exchange exchange{leaves, comes, has_room(), room() - before,
                                        bytes_of(unit(leaves)) + bytes_of(unit(comes))};
                swap_homes(leaves, comes);
                if (exchange.gain > 0 && (!best || exchange.is_better_than(*best))) best = exchange;
            }
        return best;
    }

    void swap_homes(std::size_t a, std::size_t b) {
        const std::optional<NodeIndex> home_a = placement_.home(a), home_b = placement_.home(b);
        placement_.put(a, std::nullopt);
        placement_.put(b, home_a);
        placement_.put(a, home_b);
    }

    Placement placement_;
    const std::size_t unit_;
    const NodeIndex node_;
    const std::vector<bool>& evictable_;
    std::vector<Eviction> evictions_;
    Bytes bytes_ = 0;  // of the evicted units
};

}  // namespace

std::optional<std::vector<Eviction>> make_room(Placement& placement, std::size_t unit,
                                               const std::vector<bool>& evictable) {
    std::optional<Attempt> best;
    for (std::size_t n = 0; n < placement.node_count(); ++n) {
        if (!placement.units()[unit].fits.contains(NodeIndex(n))) continue;
        Attempt attempt(placement, unit, NodeIndex(n), evictable);
        if (attempt.run() && (!best || attempt.bytes() < best->bytes()))
            best.emplace(std::move(attempt));
    }
    if (!best) return std::nullopt;
    placement = std::move(best->placement());
    return std::move(best->evictions());
}

}  // namespace vnuma
