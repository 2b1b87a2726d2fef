#include "tests/simulator/numad.hpp"

#include <algorithm>
#include <numeric>

#include "policy/learn.hpp"

namespace vnuma::simulator {
namespace {

// Defaults of numad, in its units.
constexpr Millis min_interval = 5'000, max_interval = 15'000, reevaluation = 300'000;
constexpr std::int64_t min_memory = 300, min_cpus = 50;      // of a process that is considered
constexpr std::int64_t utilisation = 85, min_locality = 90;  // per cent
constexpr std::int64_t memory_margin = 100;

std::int64_t value_of(std::int64_t memory_wanted, std::int64_t cpus_wanted,
                      std::int64_t memory_free, std::int64_t cpus_free) {
    const std::int64_t memory = std::min(memory_wanted, memory_free),
                       cpus = std::min(cpus_wanted, cpus_free);
    return (memory * 10 + (memory_free - memory) * 4) * (cpus * 6 + (cpus_free - cpus));
}

}  // namespace

void Numad::update_nodes(const Snapshot& host) {
    topology_ = &host.topology;
    nodes_.clear();
    for (const HostNode& node : host.topology.nodes) {
        Node& seen = nodes_.emplace_back();
        seen.memory = node.memory_total / mib;
        seen.memory_free = node.memory_available / mib;
        seen.cpus = node.cpu_capacity / 10;
        seen.cpus_free = seen.cpus - node.other_use / 10;
    }
    // numad reads the use of CPUs from /proc/stat. Here bound processes run evenly on their nodes,
    // and all others where CPUs are idle.
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
        if (process.memory > min_memory && process.cpus > min_cpus)
            processes.push_back(std::move(process));
    }
    return processes;
}

// Unbound processes come first, those with the greatest product of CPU and memory use before
// others. Bound processes whose products differ by a fifth or less are equal, and the one that was
// bound first comes first.
void Numad::sort(std::vector<Process>& processes) {
    const auto size = [](const Process& p) { return p.cpus * p.memory; };
    const auto comes_before = [&](const Process& a, const Process& b) {
        if (a.bound != b.bound) return b.bound;
        const std::int64_t difference = std::abs(size(a) - size(b));
        if (!a.bound || difference * 5 > std::min(size(a), size(b))) return size(a) > size(b);
        return a.bound_at < b.bound_at;
    };
    // This equality is not transitive, so std::sort cannot be used.
    for (std::size_t i = 0; i < processes.size(); ++i) {
        std::size_t best = i;
        for (std::size_t other = i + 1; other < processes.size(); ++other)
            if (comes_before(processes[other], processes[best])) best = other;
        std::swap(processes[i], processes[best]);
    }
}

// A bound process is evaluated again early only if it is on the busiest or the fullest node, and a
// move to the idlest and emptiest one would balance their CPUs and memory.
bool Numad::is_too_soon(const Process& process, const Demand& demand, Millis now) const {
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
    const auto spread_after = [](std::int64_t lowest, std::int64_t highest, std::int64_t shifted,
                                 std::int64_t average) {
        return std::abs(lowest + shifted - average) + std::abs(highest - shifted - average);
    };
    return !((is_on(busiest) || is_on(fullest)) && demand.cpus < nodes_[0].cpus &&
             demand.memory < nodes_[0].memory &&
             spread_after(busiest->cpus_free, idlest->cpus_free, process.cpus, cpus) <
                 idlest->cpus_free - busiest->cpus_free - min_cpus &&
             spread_after(fullest->memory_free, emptiest->memory_free, process.memory, memory) <
                 emptiest->memory_free - fullest->memory_free);
}

// The nodes as if the process did not use them, with a bonus that keeps it where it is.
std::vector<Numad::Node> Numad::nodes_for(const Process& process, const Demand& demand) const {
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
        node.value = value_of(demand.memory, demand.cpus, node.memory_free, node.cpus_free);
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

NodeSet Numad::choose_nodes(const std::vector<Node>& nodes, Demand demand,
                            std::int64_t cpu_tolerance) const {
    std::int64_t all_free = 0;
    for (const Node& node : nodes)
        all_free += node.cpus_free;
    const bool cpus_count = demand.cpus <= all_free;  // otherwise only memory counts
    const auto min_nodes = static_cast<std::size_t>(std::clamp<std::int64_t>(
        std::max((demand.memory + nodes[0].memory - 1) / nodes[0].memory,
                 (demand.cpus - cpu_tolerance + nodes[0].cpus - 1) / nodes[0].cpus),
        1, static_cast<std::int64_t>(nodes.size())));
    // The best node together with the nearest other nodes.
    std::size_t best = 0;
    std::int64_t best_value = -1;
    for (std::size_t n = 0; n < nodes.size(); ++n) {
        const std::vector<std::size_t> order = by_distance(nodes, n);
        std::int64_t value = 0;
        for (std::size_t i = 0; i < min_nodes; ++i) {
            const std::int64_t distance = topology_->distances[n][order[i]];
            value += nodes[order[i]].value / (distance * distance);
        }
        if (value > best_value) best = n, best_value = value;
    }
    NodeSet chosen;
    std::size_t taken = 0;
    for (const std::size_t n : by_distance(nodes, best)) {
        if (taken >= min_nodes && demand.memory <= 0 &&
            (demand.cpus <= cpu_tolerance || !cpus_count))
            break;
        chosen.insert(NodeIndex(n));
        ++taken;
        demand.memory -= std::max<std::int64_t>(nodes[n].memory_free - memory_margin, 0);
        demand.cpus -= nodes[n].cpus_free;
    }
    return chosen;
}

// The demand is that of all vCPUs and all memory. There are no reservations, so guests that start
// together get the same nodes.
std::vector<Order> Numad::place(const Snapshot& host, const std::vector<GuestState>& newcomers) {
    std::vector<Order> orders;
    if (!advises_) return orders;
    update_nodes(host);
    for (const GuestState& guest : newcomers) {
        Demand demand;
        for (const CellState& cell : guest.cells)
            demand.memory += cell.size / mib, demand.cpus += cell.vcpus * 100;
        std::vector<Node> nodes = nodes_;
        for (Node& node : nodes)
            node.value = value_of(demand.memory, demand.cpus, node.memory_free, node.cpus_free);
        const NodeSet chosen = choose_nodes(nodes, demand, 0);
        for (const CellState& cell : guest.cells)
            if (!(chosen & cell.allowed).empty())
                orders.push_back({cell.key, chosen & cell.allowed});
    }
    return orders;
}

std::vector<Order> Numad::decide(const Snapshot& host) {
    std::erase_if(bindings_, [&](const auto& binding) {
        return std::none_of(host.guests.begin(), host.guests.end(),
                            [&](const GuestState& guest) { return guest.uuid == binding.first; });
    });
    if (!move_.empty()) return move_;
    if (host.now < next_evaluation_) return {};
    next_evaluation_ = host.now + max_interval;
    update_nodes(host);
    std::vector<Process> processes = candidates(host);
    sort(processes);
    for (const Process& process : processes) {
        const Demand demand{process.memory * 100 / utilisation,
                            std::min(process.cpus * 100 / utilisation, process.threads * 100)};
        if (is_too_soon(process, demand, host.now)) continue;
        const NodeSet nodes = choose_nodes(nodes_for(process, demand), demand,
                                           (100 - utilisation) * nodes_[0].cpus / 200);
        std::int64_t away = 0;
        for (std::size_t n = 0; n < nodes_.size(); ++n)
            if (!nodes.contains(NodeIndex(n))) away += process.memory_on[n];
        bindings_[process.guest->uuid] = {nodes, host.now};
        if (process.bound && nodes == process.nodes &&
            100 * away <= (100 - min_locality) * process.memory)
            continue;
        std::vector<Order> orders;
        for (const CellState& cell : process.guest->cells)
            orders.push_back({cell.key, nodes & cell.allowed});
        for (const CellState& cell : process.guest->cells)
            orders.push_back({cell.key, nodes & cell.allowed, true});
        std::erase_if(orders, [](const Order& order) { return order.to.empty(); });
        next_evaluation_ = host.now + min_interval;
        return move_ = std::move(orders);
    }
    return {};
}

// A move is done once no more memory arrives.
void Numad::learn(const Snapshot& host, const std::vector<Outcome>& outcomes) {
    Bytes moved = 0;
    for (const Outcome& outcome : outcomes)
        moved += outcome.bytes;
    if (moved > 0)
        next_evaluation_ = host.now + min_interval;
    else
        move_.clear();
}

}  // namespace vnuma::simulator
