#include "policy/initial_placement.hpp"

#include <algorithm>

#include "policy/search/search.hpp"
#include "policy/units/choose_units.hpp"
#include "policy/units/node_capacity.hpp"

namespace vnuma {
namespace {

// What a guest uses that is not there yet: all it could, as numad takes it.
constexpr MilliCpu use_per_vcpu = 1000;
// Guests at each end that are looked at for an exchange.
constexpr std::size_t max_exchanged = 64;
// Behind all uuids, so that real guests keep their places.
constexpr const char* requested = "~request";
constexpr const char* reserved = "~reservation ";

std::string problem_of(const PlacementRequest& request) {
    if (request.vcpus < 1) return "vcpus: wants 1 at least";
    if (request.bytes < 1) return "bytes: wants 1 at least";
    if (request.cells < 1 || request.cells > max_host_nodes)
        return "cells: wants 1 to " + std::to_string(max_host_nodes);
    return "";
}

GuestState guest_for(const PlacementRequest& request, std::size_t cells, std::string uuid,
                     std::size_t nodes) {
    GuestState guest;
    guest.uuid = std::move(uuid);
    const auto count = static_cast<int>(cells);
    for (int c = 0; c < count; ++c) {
        CellState& cell = guest.cells.emplace_back();
        cell.key = {guest.uuid, c};
        cell.vcpus = request.vcpus / count + (c < request.vcpus % count ? 1 : 0);
        cell.cpu_use = cell.vcpus * use_per_vcpu;
        cell.size = request.bytes / count;
        cell.huge_page = request.huge_page;
        cell.residency.assign(nodes, 0);
        cell.heat.assign(nodes, 0);
        cell.allowed = request.allowed & NodeSet::first(nodes);
    }
    return guest;
}

bool is_usable(const HostNode& node) {
    return node.cpus > 0 && node.memory_total > 0;
}

// As many equal cells as it takes for each to fit some node.
std::size_t cells_of(const PlacementRequest& request, const Snapshot& snapshot,
                     const PlannerSettings& settings) {
    const Topology& topology = snapshot.topology;
    const NodeCapacity empty(snapshot, settings);
    int cpus = 1;
    Bytes bytes = 1;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n) {
        const HostNode& node = topology.nodes[n];
        if (!request.allowed.contains(NodeIndex(n)) || !is_usable(node)) continue;
        cpus = std::max(cpus, node.cpus);
        bytes = std::max(bytes, empty.memory(NodeIndex(n), request.huge_page));
    }
    const auto by_vcpus =
        static_cast<std::size_t>(request.vcpus - 1) / static_cast<std::size_t>(cpus) + 1;
    const auto by_bytes = static_cast<std::size_t>((request.bytes - 1) / bytes + 1);
    return std::clamp<std::size_t>(std::max({request.cells, by_vcpus, by_bytes}), 1,
                                   max_host_nodes);
}

bool counts(const Reservation& reservation, const Snapshot& snapshot) {
    if (reservation.expires <= snapshot.now || reservation.nodes.empty()) return false;
    const std::string& whose = reservation.guest;
    return std::none_of(snapshot.guests.begin(), snapshot.guests.end(),
                        [&](const GuestState& guest) {
                            return !whose.empty() && (guest.name == whose || guest.uuid == whose);
                        });
}

// All that is there could grow to its full size.
InitialPlacement advise_on_one_node(const Snapshot& snapshot, const PlannerSettings& settings,
                                    const std::vector<Reservation>& reservations,
                                    const PlacementRequest& request) {
    InitialPlacement advice;
    const HostNode& node = snapshot.topology.nodes.front();
    if (!is_usable(node) || !request.allowed.contains(NodeIndex(0))) return advice;
    const Bytes page = request.huge_page;
    const auto pool = node.huge_available.find(page);
    Bytes left = filled_at_most(node, settings) - (node.memory_total - node.memory_available);
    if (page != 0) left = pool == node.huge_available.end() ? 0 : pool->second;
    for (const GuestState& guest : snapshot.guests)
        for (const CellState& cell : guest.cells)
            if (cell.huge_page == page) left -= full_bytes(cell) - total_bytes(cell);
    for (const Reservation& reservation : reservations)
        if (reservation.request.huge_page == page && counts(reservation, snapshot))
            left -= reservation.request.bytes;
    const auto cells = static_cast<int>(request.cells);
    advice.has_room = (request.vcpus - 1) / cells + 1 <= node.cpus && request.bytes <= left;
    advice.nodes.assign(request.cells, NodeIndex(0));
    return advice;
}

class Advisor {
  public:
    Advisor(Placement placement, NodeSet allowed, std::size_t cells)
        : placement_(std::move(placement)), allowed_(allowed), cells_(cells) {
        for (std::size_t i = 0; i < placement_.units().size(); ++i)
            if (placement_.units()[i].parts.front().guest->uuid == requested) own_.push_back(i);
    }

    InitialPlacement run(const Topology& topology) {
        InitialPlacement advice;
        // A cell that fits no node at all is no unit.
        if (own_.size() < cells_) {
            advice.nodes = best_there_is(topology);
            return advice;
        }
        search(placement_);
        advice.has_room = true;
        for (const std::size_t unit : own_) {
            if (!placement_.home(unit) && !make_room(unit, advice.evictions)) {
                advice.has_room = false;
                advice.evictions.clear();
                advice.nodes = best_there_is(topology);
                return advice;
            }
            advice.nodes.push_back(*placement_.home(unit));
        }
        advice.has_room = advice.evictions.empty();
        return advice;
    }

  private:
    struct Plan {
        std::vector<Eviction> evictions;
        Bytes bytes = 0;
        std::optional<Placement> after{};
    };

    // On the node where the least memory has to go.
    bool make_room(std::size_t unit, std::vector<Eviction>& evictions) {
        Plan best;
        for (std::size_t n = 0; n < placement_.node_count(); ++n) {
            Plan plan = evict(unit, NodeIndex(n));
            if (plan.after && (!best.after || plan.bytes < best.bytes)) best = std::move(plan);
        }
        if (!best.after) return false;
        placement_ = std::move(*best.after);
        evictions.insert(evictions.end(), best.evictions.begin(), best.evictions.end());
        return true;
    }

    // Guests leave; where that does not do, some change places with smaller ones.
    Plan evict(std::size_t unit, NodeIndex node) const {
        Plan plan;
        if (!placement_.units()[unit].fits.contains(node)) return plan;
        Placement trial = placement_;
        leave(trial, plan, unit, node);
        exchange(trial, plan, unit, node);
        if (trial.feasibility(unit, node) != Placement::Feasibility::feasible) return plan;
        trial.put(unit, node);
        plan.after = std::move(trial);
        return plan;
    }

    static Bytes bytes_of(const Unit& unit) {
        Bytes bytes = 0;
        for (const Unit::Part& part : unit.parts)
            bytes += full_bytes(*part.cell);
        return bytes;
    }

    // Guests with a home that it is for, the smallest first.
    template <typename Condition>
    static std::vector<std::size_t> movable(const Placement& placement, Condition is_for) {
        std::vector<std::pair<Bytes, std::size_t>> ranked;
        for (std::size_t i = 0; i < placement.units().size(); ++i) {
            const Unit& unit = placement.units()[i];
            const std::optional<NodeIndex> home = placement.home(i);
            if (home && is_for(*home) && !unit.parts.front().guest->uuid.starts_with('~'))
                ranked.emplace_back(bytes_of(unit), i);
        }
        std::sort(ranked.begin(), ranked.end());
        std::vector<std::size_t> units;
        units.reserve(ranked.size());
        for (const auto& [bytes, unit] : ranked)
            units.push_back(unit);
        return units;
    }

    static void note(Plan& plan, const Unit& unit, NodeIndex from, NodeIndex to) {
        plan.bytes += bytes_of(unit);
        for (const Unit::Part& part : unit.parts)
            plan.evictions.push_back({part.cell->key, from, to});
    }

    // The smallest first, each for where it costs least.
    static void leave(Placement& trial, Plan& plan, std::size_t unit, NodeIndex node) {
        for (const std::size_t other :
             movable(trial, [&](NodeIndex home) { return home == node; })) {
            if (trial.feasibility(unit, node) == Placement::Feasibility::feasible ||
                plan.evictions.size() >= max_evictions)
                return;
            const auto to = cheapest(trial, other, node);
            if (!to) continue;
            const Bytes room = trial.room(node);
            trial.put(other, to);
            // By one whose memory is elsewhere, or in a pool, nothing is gained.
            if (trial.room(node) <= room)
                trial.put(other, node);
            else
                note(plan, trial.units()[other], node, *to);
        }
    }

    static void swap_homes(Placement& placement, std::size_t a, std::size_t b) {
        const std::optional<NodeIndex> home_a = placement.home(a), home_b = placement.home(b);
        placement.put(a, std::nullopt);
        placement.put(b, home_a);
        placement.put(a, home_b);
    }

    struct Exchange {
        std::size_t leaves = 0, comes = 0;
        bool suffices = false;
        Bytes gain = 0, bytes = 0;

        bool is_better_than(const Exchange& other) const {
            if (suffices != other.suffices) return suffices;
            return suffices ? bytes < other.bytes : gain > other.gain;
        }
    };

    // Of the largest at the node and the smallest elsewhere.
    static std::optional<Exchange> best_exchange(Placement& trial, std::size_t unit,
                                                 NodeIndex node) {
        std::vector<std::size_t> here =
            movable(trial, [&](NodeIndex home) { return home == node; });
        std::vector<std::size_t> elsewhere =
            movable(trial, [&](NodeIndex home) { return home != node; });
        std::reverse(here.begin(), here.end());
        here.resize(std::min(here.size(), max_exchanged));
        elsewhere.resize(std::min(elsewhere.size(), max_exchanged));
        std::optional<Exchange> best;
        const Bytes room = trial.room(node);
        for (const std::size_t leaves : here)
            for (const std::size_t comes : elsewhere) {
                if (!trial.can_swap(leaves, comes)) continue;
                swap_homes(trial, leaves, comes);
                const Exchange one{
                    leaves, comes,
                    trial.feasibility(unit, node) == Placement::Feasibility::feasible,
                    trial.room(node) - room,
                    bytes_of(trial.units()[leaves]) + bytes_of(trial.units()[comes])};
                swap_homes(trial, leaves, comes);
                if (one.gain > 0 && (!best || one.is_better_than(*best))) best = one;
            }
        return best;
    }

    static void exchange(Placement& trial, Plan& plan, std::size_t unit, NodeIndex node) {
        while (trial.feasibility(unit, node) != Placement::Feasibility::feasible) {
            const auto best = best_exchange(trial, unit, node);
            if (!best) return;
            const Unit &leaves = trial.units()[best->leaves], &comes = trial.units()[best->comes];
            if (plan.evictions.size() + leaves.parts.size() + comes.parts.size() > max_evictions)
                return;
            const NodeIndex other = *trial.home(best->comes);
            note(plan, comes, other, node);  // the smaller first: it may find room beside the other
            note(plan, leaves, node, other);
            swap_homes(trial, best->leaves, best->comes);
        }
    }

    static std::optional<NodeIndex> cheapest(const Placement& placement, std::size_t unit,
                                             NodeIndex but) {
        std::optional<NodeIndex> best;
        Cost best_cost = 0;
        for (std::size_t n = 0; n < placement.node_count(); ++n) {
            const NodeIndex node(n);
            if (node == but ||
                placement.feasibility(unit, node) != Placement::Feasibility::feasible)
                continue;
            const Cost cost = placement.marginal(unit, node).all;
            if (!best || cost < best_cost) best = node, best_cost = cost;
        }
        return best;
    }

    // Those with the most memory available.
    std::vector<NodeIndex> best_there_is(const Topology& topology) const {
        std::vector<NodeIndex> nodes;
        for (std::size_t n = 0; n < topology.nodes.size(); ++n)
            if (is_usable(topology.nodes[n]) && allowed_.contains(NodeIndex(n)))
                nodes.emplace_back(n);
        std::stable_sort(nodes.begin(), nodes.end(), [&](NodeIndex a, NodeIndex b) {
            return topology.nodes[a].memory_available > topology.nodes[b].memory_available;
        });
        if (own_.size() == cells_ && nodes.size() > cells_) nodes.resize(cells_);
        return nodes;
    }

    Placement placement_;
    const NodeSet allowed_;         // to the request
    const std::size_t cells_;       // that it has
    std::vector<std::size_t> own_;  // units of the request
};

}  // namespace

InitialPlacement place_initially(const Snapshot& snapshot, const History& history,
                                 const PlannerSettings& settings,
                                 const std::vector<Reservation>& reservations,
                                 const PlacementRequest& request) {
    if (std::string problem = problem_of(request); !problem.empty()) {
        InitialPlacement advice;
        advice.problem = std::move(problem);
        return advice;
    }
    const std::size_t nodes = snapshot.topology.nodes.size();
    if (nodes == 1) return advise_on_one_node(snapshot, settings, reservations, request);
    Snapshot with = snapshot;
    History homes = history;
    for (std::size_t r = 0; r < reservations.size(); ++r) {
        const Reservation& reservation = reservations[r];
        if (!counts(reservation, snapshot)) continue;
        GuestState& guest = with.guests.emplace_back(guest_for(
            reservation.request, reservation.nodes.size(), reserved + std::to_string(r), nodes));
        for (std::size_t c = 0; c < guest.cells.size(); ++c)
            homes.cells[guest.cells[c].key] = {reservation.nodes[c], snapshot.now};
    }
    const std::size_t cells = cells_of(request, snapshot, settings);
    with.guests.push_back(guest_for(request, cells, requested, nodes));
    Units chosen = choose_units(with, homes, settings);
    std::vector<const CellState*> in_place;
    for (const Refusal& refusal : chosen.refusals)
        if (refusal.verdict.reason != Reason::split) in_place.push_back(refusal.cell);
    for (const Unit& unit : chosen.watched)
        for (const Unit::Part& part : unit.parts)
            in_place.push_back(part.cell);
    for (Unit& unit : chosen.acting) {
        unit.fixed = true;
        // Who has no home yet is where its memory is.
        if (!unit.initial_home && !unit.parts.front().guest->uuid.starts_with('~')) unit.fits = {};
    }
    return Advisor(Placement(with, settings, chosen.acting, in_place, chosen.held_apart),
                   request.allowed, cells)
        .run(snapshot.topology);
}

}  // namespace vnuma
