#include "tests/simulator/numad.hpp"

#include <algorithm>
#include <numeric>

#include "policy/learn.hpp"

namespace vnuma::simulator {
namespace {

// Its defaults.
constexpr Millis shortest_interval = 5'000, longest_interval = 15'000, reevaluation = 300'000;
constexpr std::int64_t least_memory = 300, least_cpus = 50;     // of a candidate
constexpr std::int64_t utilisation = 85, wanted_locality = 90;  // per cent
constexpr std::int64_t memory_margin = 100;

std::int64_t value_of(std::int64_t memory_wanted, std::int64_t cpus_wanted,
                      std::int64_t memory_free, std::int64_t cpus_free) {
    const std::int64_t memory = std::min(memory_wanted, memory_free),
                       cpus = std::min(cpus_wanted, cpus_free);
    return (memory * 10 + (memory_free - memory) * 4) * (cpus * 6 + (cpus_free - cpus));
}

}  // namespace

void Numad::see(const Snapshot& host) {
    topology_ = &host.topology;
    nodes_.clear();
    for (const HostNode& node : host.topology.nodes) {
        Node& seen = nodes_.emplace_back();
        seen.memory = node.memory_total / mib;
        seen.memory_free = node.memory_available / mib;
        seen.cpus = node.cpu_capacity / 10;
        seen.cpus_free = seen.cpus - node.other_use / 10;
    }
    // How busy a node is, /proc/stat tells numad. Here it is worked out: bound processes run evenly
    // on their nodes, all others where CPUs are idle.
    std::int64_t idle = 0, unbound = 0;
    for (const GuestState& guest : host.guests) {
        std::int64_t cpus = 0;
        for (const CellState& cell : guest.cells)
            cpus += cell.cpu_use / 10;
        const auto binding = bindings_.find(guest.uuid);
        if (binding == bindings_.end()) unbound += cpus;
        for (std::size_t n = 0; binding != bindings_.end() && n < nodes_.size(); ++n)
            if (binding->second.nodes.contains(NodeIndex(n)))
                nodes_[n].cpus_free -= cpus / binding->second.nodes.size();
    }
    for (Node& node : nodes_)
        idle += node.cpus_free = std::max<std::int64_t>(node.cpus_free, 0);
    for (Node& node : nodes_)
        if (idle > 0) node.cpus_free -= std::min(unbound, idle) * node.cpus_free / idle;
}

std::vector<Numad::Process> Numad::candidates(const Snapshot& host) const {
    std::vector<Process> processes;
    for (const GuestState& guest : host.guests) {
        Process process;
        process.guest = &guest;
        process.memory_on.assign(nodes_.size(), 0);
        for (const CellState& cell : guest.cells) {
            for (std::size_t n = 0; n < nodes_.size(); ++n)
                process.memory_on[n] += cell.residency[n] / mib;
            process.cpus += cell.cpu_use / 10;
            process.threads += cell.vcpus;
        }
        process.memory =
            std::accumulate(process.memory_on.begin(), process.memory_on.end(), std::int64_t{0});
        process.nodes = NodeSet::first(nodes_.size());
        if (const auto binding = bindings_.find(guest.uuid); binding != bindings_.end())
            process.nodes = binding->second.nodes, process.bound = true,
            process.bound_at = binding->second.at;
        if (process.memory > least_memory && process.cpus > least_cpus)
            processes.push_back(std::move(process));
    }
    return processes;
}

// Unbound ones first, by what they use of both. Of the others, those within a fifth of each other
// count as alike, and the one bound longest ago comes first.
void Numad::put_in_order(std::vector<Process>& processes) {
    const auto size = [](const Process& p) { return p.cpus * p.memory; };
    const auto comes_before = [&](const Process& a, const Process& b) {
        if (a.bound != b.bound) return b.bound;
        const std::int64_t difference = std::abs(size(a) - size(b));
        if (!a.bound || difference * 5 > std::min(size(a), size(b))) return size(a) > size(b);
        return a.bound_at < b.bound_at;
    };
    // Being alike is not transitive, so this is a selection, not a sort.
    for (std::size_t i = 0; i < processes.size(); ++i) {
        std::size_t best = i;
        for (std::size_t other = i + 1; other < processes.size(); ++other)
            if (comes_before(processes[other], processes[best])) best = other;
        std::swap(processes[i], processes[best]);
    }
}

// Before its time only a process on the fullest node that would bring both nodes nearer to the
// average elsewhere.
bool Numad::is_too_soon(const Process& process, const PlacementRequest& request, Millis now) const {
    if (!process.bound || now >= process.bound_at + reevaluation) return false;
    const auto by_cpus = [](const Node& a, const Node& b) { return a.cpus_free < b.cpus_free; };
    const auto by_memory = [](const Node& a, const Node& b) {
        return a.memory_free < b.memory_free;
    };
    const auto [busiest, idlest] = std::minmax_element(nodes_.begin(), nodes_.end(), by_cpus);
    const auto [fullest, emptiest] = std::minmax_element(nodes_.begin(), nodes_.end(), by_memory);
    std::int64_t cpus = 0, memory = 0;
    for (const Node& node : nodes_)
        cpus += node.cpus_free, memory += node.memory_free;
    cpus /= static_cast<std::int64_t>(nodes_.size());
    memory /= static_cast<std::int64_t>(nodes_.size());
    const auto is_on = [&](auto node) {
        return process.nodes.contains(NodeIndex(static_cast<std::size_t>(node - nodes_.begin())));
    };
    const auto spread_after = [](std::int64_t least, std::int64_t most, std::int64_t shifted,
                                 std::int64_t average) {
        return std::abs(least + shifted - average) + std::abs(most - shifted - average);
    };
    return !((is_on(busiest) || is_on(fullest)) && request.cpus < nodes_[0].cpus &&
             request.memory < nodes_[0].memory &&
             spread_after(busiest->cpus_free, idlest->cpus_free, process.cpus, cpus) <
                 idlest->cpus_free - busiest->cpus_free - least_cpus &&
             spread_after(fullest->memory_free, emptiest->memory_free, process.memory, memory) <
                 emptiest->memory_free - fullest->memory_free);
}

// What nodes have for a process: its own memory and CPU time there are given back to it, with a
// bonus that keeps it where it is.
std::vector<Numad::Node> Numad::nodes_for(const Process& process,
                                          const PlacementRequest& request) const {
    std::vector<Node> nodes = nodes_;
    std::int64_t average = process.cpus;
    for (std::size_t n = 0; n < nodes.size(); ++n)
        if (process.nodes.contains(NodeIndex(n))) average += nodes[n].cpus_free;
    average /= process.nodes.size();
    for (std::size_t n = 0; n < nodes.size(); ++n) {
        Node& node = nodes[n];
        const std::int64_t own = process.memory_on[n];
        if (static_cast<std::size_t>(process.nodes.size()) == nodes.size()) {
            node.memory_free += own * 17 / 16;
            node.cpus_free += process.cpus * own / process.memory;
        } else {
            node.memory_free += own * 5 / 4;
            if (process.nodes.contains(NodeIndex(n))) node.cpus_free = average;
        }
        node.memory_free = std::min(node.memory_free, node.memory);
        node.cpus_free = std::clamp<std::int64_t>(node.cpus_free, 1, node.cpus);
        node.value = value_of(request.memory, request.cpus, node.memory_free, node.cpus_free);
    }
    return nodes;
}

std::vector<std::size_t> Numad::by_distance(const std::vector<Node>& nodes,
                                            std::size_t from) const {
    std::vector<std::size_t> order(nodes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::pair(topology_->distances[from][a], -nodes[a].value) <
               std::pair(topology_->distances[from][b], -nodes[b].value);
    });
    return order;
}

// So many CPUs less will do.
NodeSet Numad::pick(const std::vector<Node>& nodes, PlacementRequest request,
                    std::int64_t cpus_to_miss) const {
    std::int64_t all_free = 0;
    for (const Node& node : nodes)
        all_free += node.cpus_free;
    const bool cpus_count = request.cpus <= all_free;  // else memory alone decides
    const auto least = static_cast<std::size_t>(std::clamp<std::int64_t>(
        std::max((request.memory + nodes[0].memory - 1) / nodes[0].memory,
                 (request.cpus - cpus_to_miss + nodes[0].cpus - 1) / nodes[0].cpus),
        1, static_cast<std::int64_t>(nodes.size())));
    // The node that is best together with as many near ones as are needed.
    std::size_t best = 0;
    std::int64_t best_value = -1;
    for (std::size_t n = 0; n < nodes.size(); ++n) {
        const std::vector<std::size_t> order = by_distance(nodes, n);
        std::int64_t value = 0;
        for (std::size_t i = 0; i < least; ++i) {
            const std::int64_t distance = topology_->distances[n][order[i]];
            value += nodes[order[i]].value / (distance * distance);
        }
        if (value > best_value) best = n, best_value = value;
    }
    NodeSet chosen;
    std::size_t taken = 0;
    for (const std::size_t n : by_distance(nodes, best)) {
        if (taken >= least && request.memory <= 0 && (request.cpus <= cpus_to_miss || !cpus_count))
            break;
        chosen.insert(NodeIndex(n));
        ++taken;
        request.memory -= std::max<std::int64_t>(nodes[n].memory_free - memory_margin, 0);
        request.cpus -= nodes[n].cpus_free;
    }
    return chosen;
}

// By all of its vCPUs. Nothing is reserved, so guests that start together are sent to one place.
std::vector<Order> Numad::place(const Snapshot& host, const std::vector<GuestState>& newcomers) {
    std::vector<Order> orders;
    if (!asked_first_) return orders;
    see(host);
    for (const GuestState& guest : newcomers) {
        PlacementRequest request;
        for (const CellState& cell : guest.cells)
            request.memory += cell.size / mib, request.cpus += cell.vcpus * 100;
        std::vector<Node> nodes = nodes_;
        for (Node& node : nodes)
            node.value = value_of(request.memory, request.cpus, node.memory_free, node.cpus_free);
        const NodeSet picked = pick(nodes, request, 0);
        for (const CellState& cell : guest.cells)
            if (!(picked & cell.allowed).empty())
                orders.push_back({cell.key, picked & cell.allowed});
    }
    return orders;
}

std::vector<Order> Numad::decide(const Snapshot& host) {
    std::erase_if(bindings_, [&](const auto& binding) {
        return std::none_of(host.guests.begin(), host.guests.end(),
                            [&](const GuestState& guest) { return guest.uuid == binding.first; });
    });
    if (!move_.empty()) return move_;
    if (host.now < next_look_) return {};
    next_look_ = host.now + longest_interval;
    see(host);
    std::vector<Process> processes = candidates(host);
    put_in_order(processes);
    for (const Process& process : processes) {
        const PlacementRequest request{
            process.memory * 100 / utilisation,
            std::min(process.cpus * 100 / utilisation, process.threads * 100)};
        if (is_too_soon(process, request, host.now)) continue;
        const NodeSet nodes =
            pick(nodes_for(process, request), request, (100 - utilisation) * nodes_[0].cpus / 200);
        std::int64_t away = 0;
        for (std::size_t n = 0; n < nodes_.size(); ++n)
            if (!nodes.contains(NodeIndex(n))) away += process.memory_on[n];
        bindings_[process.guest->uuid] = {nodes, host.now};
        if (process.bound && nodes == process.nodes &&
            100 * away <= (100 - wanted_locality) * process.memory)
            continue;
        std::vector<Order> orders;
        for (const CellState& cell : process.guest->cells)
            orders.push_back({cell.key, nodes & cell.allowed});
        for (const CellState& cell : process.guest->cells)
            orders.push_back({cell.key, nodes & cell.allowed, true});
        std::erase_if(orders, [](const Order& order) { return order.to.empty(); });
        next_look_ = host.now + shortest_interval;
        return move_ = std::move(orders);
    }
    return {};
}

// A move is over when nothing is left that would move.
void Numad::learn(const Snapshot& host, const std::vector<Outcome>& outcomes) {
    Bytes moved = 0;
    for (const Outcome& outcome : outcomes)
        moved += outcome.bytes;
    if (moved > 0)
        next_look_ = host.now + shortest_interval;
    else
        move_.clear();
}

}  // namespace vnuma::simulator
