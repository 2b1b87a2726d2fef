#include "src/control/orders/placer.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "policy/model/number_list.hpp"

namespace vnuma::control {
namespace {

std::string counted(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string problem_of(const PlaceArguments& arguments) {
    if (arguments.vcpus < 1 || arguments.vcpus > max_placed_vcpus)
        return "vcpus: must be from 1 to " + std::to_string(max_placed_vcpus);
    if (arguments.memory < 1 || arguments.memory > max_placed_memory)
        return "memory: must be from 1 byte to 1 PiB";
    if (arguments.cells < 1 || arguments.cells > static_cast<int>(max_host_nodes))
        return "cells: must be from 1 to " + std::to_string(max_host_nodes);
    if (arguments.huge_page < 0) return "huge-page: must not be negative";
    if (arguments.reserve < 0 || arguments.reserve > max_reservation)
        return "reserve: must be from 0 to " + std::to_string(max_reservation / 1000) + " s";
    return "";
}

// The allowed nodes, or the problem.
std::variant<NodeSet, std::string> allowed_nodes(const PlaceArguments& arguments,
                                                 const Host& host) {
    if (!arguments.nodes) return NodeSet::first(max_host_nodes);
    NodeSet allowed;
    for (const int id : *arguments.nodes) {
        const auto index = host.index_of(id);
        if (!index) return "nodes: node " + std::to_string(id) + " does not exist on this host";
        allowed.insert(*index);
    }
    if (allowed.empty()) return "nodes: must not be empty";
    return allowed;
}

// Nodes in the order of their distance.
std::vector<NodeIndex> by_distance(const Topology& topology, NodeIndex from) {
    std::vector<NodeIndex> nodes;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n)
        nodes.emplace_back(n);
    const std::vector<int>& distances = topology.distances[from];
    std::stable_sort(nodes.begin(), nodes.end(), [&](NodeIndex a, NodeIndex b) {
        // The node itself first, whatever the firmware says.
        return std::pair(a != from, distances[a]) < std::pair(b != from, distances[b]);
    });
    return nodes;
}

struct Placed {
    InitialPlacement placement;
    std::string preference;  // what came of the wish for a device's node; a sentence
};

class Search {
  public:
    Search(const PlacementView& view, const std::vector<Reservation>& reservations)
        : view_(view), reservations_(reservations) {}

    InitialPlacement anywhere(const PlacementRequest& request) const {
        return place_initially(view_.snapshot, view_.history, view_.settings, reservations_,
                               request);
    }

    // On the nearest nodes that have room without any other guest's moving. Anywhere if none has.
    Placed near(PlacementRequest request, NodeIndex from, const std::string& device) const {
        const NodeSet allowed = request.allowed;
        const std::string wish =
            device + " is on node " + std::to_string(view_.host.topology.nodes[from].id);
        NodeSet nearest;
        for (const NodeIndex node : by_distance(view_.snapshot.topology, from)) {
            if (!allowed.contains(node)) continue;
            nearest.insert(node);
            request.allowed = nearest;
            InitialPlacement found = anywhere(request);
            if (!found.has_room) continue;
            const bool is_there = nearest == NodeSet::only(from);
            return {std::move(found),
                    wish + (is_there ? "" : ", and this is the nearest place with room") + "."};
        }
        request.allowed = allowed;
        return {anywhere(request), wish + ", and no node that is near has room."};
    }

  private:
    const PlacementView& view_;
    const std::vector<Reservation>& reservations_;
};

PlaceMove move_of(const Eviction& eviction, const Snapshot& snapshot) {
    PlaceMove move{"",
                   eviction.key.uuid,
                   eviction.key.cell,
                   snapshot.topology.nodes[eviction.from].id,
                   snapshot.topology.nodes[eviction.to].id,
                   0};
    const NodeIndex memory = memory_node(snapshot.topology, eviction.to);
    for (const GuestState& guest : snapshot.guests) {
        if (guest.uuid != eviction.key.uuid) continue;
        move.guest = guest.name;
        for (const CellState& cell : guest.cells)
            if (cell.key.cell == eviction.key.cell && eviction.key.shard == CellKey::whole)
                move.bytes = total_bytes(cell) - cell.residency[memory];
    }
    return move;
}

std::string why(const InitialPlacement& placement, const std::vector<int>& nodes,
                std::size_t reservations) {
    const std::string where = (nodes.size() == 1 ? "Node " : "Nodes ") + format_number_list(nodes);
    std::string text;
    if (nodes.empty())
        text = "No allowed node has CPUs and memory.";
    else if (placement.has_room)
        text = where + (nodes.size() == 1 ? " has" : " have") + " room for it.";
    else if (!placement.evictions.empty())
        text = where + (nodes.size() == 1 ? " has" : " have") + " room for it after " +
               counted(placement.evictions.size(), "other move") + ".";
    else
        text = "No allowed node has room for it, nor would it have after " +
               std::to_string(max_evictions) + " moves of other guests; " +
               (nodes.size() == 1 ? "node " : "nodes ") + format_number_list(nodes) +
               (nodes.size() == 1 ? " has" : " have") + " the most memory available.";
    if (reservations > 0) text += " " + counted(reservations, "reservation") + " counted.";
    return text;
}

}  // namespace

std::variant<PlaceReply, Refused> Placer::place(const PlacementView& view,
                                                const PlaceArguments& arguments,
                                                std::optional<int> near) {
    if (const std::string problem = problem_of(arguments); !problem.empty())
        return Refused{invalid_argument, problem};
    const auto allowed = allowed_nodes(arguments, view.host);
    if (const auto* problem = std::get_if<std::string>(&allowed))
        return Refused{invalid_argument, *problem};
    forget_ended(view);
    if (arguments.reserve > 0 && reservations_.size() >= max_reservations)
        return Refused{was_refused, std::to_string(max_reservations) +
                                        " reservations are in force: wait until one of them ends"};
    const PlacementRequest request{arguments.vcpus, arguments.memory,
                                   static_cast<std::size_t>(arguments.cells),
                                   std::get<NodeSet>(allowed), arguments.huge_page};
    const Search search(view, reservations_);
    const auto from = near ? view.host.index_of(*near) : std::nullopt;
    Placed placed = from ? search.near(request, *from, arguments.near.value_or("the device"))
                         : Placed{search.anywhere(request), ""};
    const InitialPlacement& placement = placed.placement;
    if (!placement.problem.empty()) return Refused{invalid_argument, placement.problem};

    PlaceReply reply;
    reply.has_room = placement.has_room;
    for (const NodeIndex node : placement.nodes) {
        reply.nodes.push_back(view.snapshot.topology.nodes[node].id);
        reply.cpus.push_back(format_number_list(view.host.schedulable(view.host.cpus[node])));
    }
    for (const Eviction& eviction : placement.evictions)
        reply.moves.push_back(move_of(eviction, view.snapshot));
    reply.why = why(placement, reply.nodes, reservations_.size());
    if (!placed.preference.empty()) reply.why += " " + placed.preference;
    if (arguments.reserve > 0 && placement.has_room) {
        reservations_.push_back(
            {request, placement.nodes, view.now + arguments.reserve, arguments.name});
        reply.why +=
            " It is reserved for " + (arguments.reserve % 1000 == 0
                                          ? std::to_string(arguments.reserve / 1000) + " s."
                                          : std::to_string(arguments.reserve) + " ms.");
    } else if (arguments.reserve > 0) {
        reply.why += " Nothing is reserved, since there is no room.";
    }
    return reply;
}

void Placer::forget_ended(const PlacementView& view) {
    std::erase_if(reservations_, [&](const Reservation& reservation) {
        if (reservation.expires <= view.now) return true;
        return !reservation.guest.empty() &&
               std::any_of(view.snapshot.guests.begin(), view.snapshot.guests.end(),
                           [&](const GuestState& guest) {
                               return guest.name == reservation.guest ||
                                      guest.uuid == reservation.guest;
                           });
    });
}

}  // namespace vnuma::control
