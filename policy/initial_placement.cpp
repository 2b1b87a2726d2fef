#include "policy/initial_placement.hpp"

#include <algorithm>

#include "policy/search/search.hpp"
#include "policy/units/choose_units.hpp"
#include "policy/units/node_capacity.hpp"

namespace vnuma {
namespace {

// The CPU use of a guest that does not exist yet is not known: all of its vCPUs count as busy, as
// in numad -w.
constexpr MilliCpu use_per_vcpu = 1000;
// Requests and reservations are placed as guests. Their UUIDs sort behind those of real guests, so
// that the latter are placed as they are without them.
constexpr char not_a_guest = '~';
constexpr const char* request_uuid = "~request";
constexpr const char* reservation_uuid = "~reservation ";

std::string problem_of(const PlacementRequest& request) {
    if (request.vcpus < 1) return "vcpus: must be at least 1";
    if (request.bytes < 1) return "bytes: must be at least 1";
    if (request.cells < 1 || request.cells > max_host_nodes)
        return "cells: must be from 1 to " + std::to_string(max_host_nodes);
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

bool is_real(const Unit& unit) {
    return !unit.parts.front().guest->uuid.starts_with(not_a_guest);
}

bool is_usable(const HostNode& node) {
    return node.cpus > 0 && node.memory_total > 0;
}

// The requested number of cells, or more, until each fits some node.
std::size_t cell_count(const PlacementRequest& request, const Snapshot& snapshot,
                       const PlannerSettings& settings) {
    const Topology& topology = snapshot.topology;
    const NodeCapacity capacity(snapshot, settings);
    int max_cpus = 1;
    Bytes max_bytes = 1;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n) {
        const HostNode& node = topology.nodes[n];
        if (!request.allowed.contains(NodeIndex(n)) || !is_usable(node)) continue;
        max_cpus = std::max(max_cpus, node.cpus);
        max_bytes = std::max(max_bytes, capacity.memory(NodeIndex(n), request.huge_page));
    }
    const auto by_vcpus =
        static_cast<std::size_t>(request.vcpus - 1) / static_cast<std::size_t>(max_cpus) + 1;
    const auto by_bytes = static_cast<std::size_t>((request.bytes - 1) / max_bytes + 1);
    return std::clamp<std::size_t>(std::max({request.cells, by_vcpus, by_bytes}), 1,
                                   max_host_nodes);
}

bool is_in_force(const Reservation& reservation, const Snapshot& snapshot) {
    if (reservation.expires <= snapshot.now || reservation.nodes.empty()) return false;
    const std::string& reserved_for = reservation.guest;
    return reserved_for.empty() || std::none_of(snapshot.guests.begin(), snapshot.guests.end(),
                                                [&](const GuestState& guest) {
                                                    return guest.name == reserved_for ||
                                                           guest.uuid == reserved_for;
                                                });
}

// Memory of the only node that is neither used nor reserved, once all guests have allocated all of
// theirs.
Bytes memory_left(const Snapshot& snapshot, const PlannerSettings& settings,
                  const std::vector<Reservation>& reservations, Bytes huge_page) {
    const HostNode& node = snapshot.topology.nodes.front();
    Bytes left = max_used_memory(node, settings) - (node.memory_total - node.memory_available);
    if (huge_page != 0) {
        const auto pool = node.huge_available.find(huge_page);
        left = pool == node.huge_available.end() ? 0 : pool->second;
    }
    for (const GuestState& guest : snapshot.guests)
        for (const CellState& cell : guest.cells)
            if (cell.huge_page == huge_page) left -= full_bytes(cell) - total_bytes(cell);
    for (const Reservation& reservation : reservations)
        if (reservation.request.huge_page == huge_page && is_in_force(reservation, snapshot))
            left -= reservation.request.bytes;
    return left;
}

InitialPlacement place_on_one_node(const Snapshot& snapshot, const PlannerSettings& settings,
                                   const std::vector<Reservation>& reservations,
                                   const PlacementRequest& request) {
    InitialPlacement result;
    const HostNode& node = snapshot.topology.nodes.front();
    if (!is_usable(node) || !request.allowed.contains(NodeIndex(0))) return result;
    const auto cells = static_cast<int>(request.cells);
    result.has_room =
        (request.vcpus - 1) / cells + 1 <= node.cpus &&
        request.bytes <= memory_left(snapshot, settings, reservations, request.huge_page);
    result.nodes.assign(request.cells, NodeIndex(0));
    return result;
}

// Allowed nodes in the order of their available memory, for a request without room.
std::vector<NodeIndex> nodes_by_available_memory(const Topology& topology, NodeSet allowed) {
    std::vector<NodeIndex> nodes;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n)
        if (is_usable(topology.nodes[n]) && allowed.contains(NodeIndex(n))) nodes.emplace_back(n);
    std::stable_sort(nodes.begin(), nodes.end(), [&](NodeIndex a, NodeIndex b) {
        return topology.nodes[a].memory_available > topology.nodes[b].memory_available;
    });
    return nodes;
}

// All guests and reservations stay in their homes, and the request has none yet. The placement
// points into `chosen`.
Placement placement_of(const Snapshot& snapshot, const PlannerSettings& settings, Units& chosen) {
    std::vector<const CellState*> bystanders;
    for (const Refusal& refusal : chosen.refusals)
        if (refusal.verdict.reason != Reason::split) bystanders.push_back(refusal.cell);
    for (const Unit& unit : chosen.watched)
        for (const Unit::Part& part : unit.parts)
            bystanders.push_back(part.cell);
    for (Unit& unit : chosen.acting) {
        unit.fixed = true;
        unit.may_roam = false;  // a request wants a node
        // A guest without a home stays without.
        unit.roamed = !unit.initial_home && is_real(unit);
        if (unit.roamed) unit.fits = {};
    }
    return Placement(snapshot, settings, chosen.acting, bystanders, chosen.held_apart);
}

InitialPlacement place_request(Placement placement, const Topology& topology, NodeSet allowed,
                               std::size_t cells) {
    std::vector<std::size_t> requested;  // units
    std::vector<bool> evictable;
    for (std::size_t i = 0; i < placement.units().size(); ++i) {
        const Unit& unit = placement.units()[i];
        if (unit.parts.front().guest->uuid == request_uuid) requested.push_back(i);
        evictable.push_back(is_real(unit));
    }
    InitialPlacement result;
    const std::vector<NodeIndex> without_room = nodes_by_available_memory(topology, allowed);
    // A cell that fits no node is no unit.
    if (requested.size() < cells) {
        result.nodes = without_room;
        return result;
    }
    search(placement);
    for (const std::size_t unit : requested) {
        if (!placement.home(unit)) {
            const auto evictions = make_room(placement, unit, evictable);
            if (!evictions) {
                result.evictions.clear();
                result.nodes = without_room;
                if (result.nodes.size() > cells) result.nodes.resize(cells);
                return result;
            }
            result.evictions.insert(result.evictions.end(), evictions->begin(), evictions->end());
        }
        result.nodes.push_back(*placement.home(unit));
    }
    result.has_room = result.evictions.empty();
    return result;
}

}  // namespace

InitialPlacement place_initially(const Snapshot& snapshot, const History& history,
                                 const PlannerSettings& settings,
                                 const std::vector<Reservation>& reservations,
                                 const PlacementRequest& request) {
    if (std::string problem = problem_of(request); !problem.empty()) {
        InitialPlacement result;
        result.problem = std::move(problem);
        return result;
    }
    const std::size_t nodes = snapshot.topology.nodes.size();
    if (nodes == 1) return place_on_one_node(snapshot, settings, reservations, request);
    Snapshot with_request = snapshot;
    History homes = history;
    for (std::size_t r = 0; r < reservations.size(); ++r) {
        const Reservation& reservation = reservations[r];
        if (!is_in_force(reservation, snapshot)) continue;
        const GuestState& guest = with_request.guests.emplace_back(
            guest_for(reservation.request, reservation.nodes.size(),
                      reservation_uuid + std::to_string(r), nodes));
        for (std::size_t c = 0; c < guest.cells.size(); ++c)
            homes.cells[guest.cells[c].key] = {reservation.nodes[c], snapshot.now};
    }
    const std::size_t cells = cell_count(request, snapshot, settings);
    with_request.guests.push_back(guest_for(request, cells, request_uuid, nodes));
    Units chosen = choose_units(with_request, homes, settings);
    return place_request(placement_of(with_request, settings, chosen), snapshot.topology,
                         request.allowed, cells);
}

}  // namespace vnuma
