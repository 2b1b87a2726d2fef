#include "src/history/minutes.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma::history {
namespace {

using control::CellMinute;
using control::NodeMinute;

const CellSample* find_sample(const Tick& tick, std::size_t guest, int cell) {
    const auto& guests = tick.sample().guests;
    if (guest >= guests.size()) return nullptr;
    for (const CellSample& sample : guests[guest].cells)
        if (sample.id == cell) return &sample;
    return nullptr;
}

// CPU use of each node's CPUs by this cell: that of vCPUs where they ran last. What serves them
// counts with them.
std::map<std::size_t, MilliCpu> use_by_node(const Tick& tick, std::size_t guest,
                                            const CellState& cell) {
    std::map<std::size_t, MilliCpu> weights;
    const CellSample* sample = find_sample(tick, guest, cell.key.cell);
    if (!sample) return weights;
    for (const VcpuSample& vcpu : sample->vcpus) {
        const auto node = tick.host.node_of_cpu(vcpu.last_cpu);
        if (!node) continue;
        const auto use = tick.look->use.by_vcpu.find(vcpu.thread);
        // In thousandths. An idle vCPU counts a little, so that the cell's use has a place.
        weights[*node] += 1 + (use == tick.look->use.by_vcpu.end() ? 0 : use->second / 1000);
    }
    const MilliCpu all =
        std::accumulate(weights.begin(), weights.end(), MilliCpu{0},
                        [](MilliCpu sum, const auto& entry) { return sum + entry.second; });
    for (auto& [node, weight] : weights)
        weight = cell.cpu_use * weight / all;
    return weights;
}

// In thousandths; of KiB, so that the product fits 64 bits on every machine.
PerMille share(Bytes part, Bytes all) {
    return all < 1024 ? 1000 : part / 1024 * 1000 / (all / 1024);
}

// Share of accesses that are local, if every vCPU accesses all hot memory of its cell alike; of its
// bytes where no heat is known.
PerMille estimate_locality(const Tick& tick, std::size_t guest, const CellState& cell) {
    const CellSample* sample = find_sample(tick, guest, cell.key.cell);
    if (!sample) return 0;
    const Bytes hot = std::accumulate(cell.heat.begin(), cell.heat.end(), Bytes{0});
    const std::vector<Bytes>& memory = hot >= 1024 ? cell.heat : cell.residency;
    const Bytes all = std::accumulate(memory.begin(), memory.end(), Bytes{0});
    PerMille sum = 0, vcpus = 0;
    for (const VcpuSample& vcpu : sample->vcpus) {
        const auto node = tick.host.node_of_cpu(vcpu.last_cpu);
        if (!node) continue;
        sum += share(*node < memory.size() ? memory[*node] : 0, all);
        ++vcpus;
    }
    return vcpus == 0 ? 0 : sum / vcpus;
}

// The home of the cell, or the one that all of its shards have.
std::optional<int> home_of(const Tick& tick, const CellKey& cell) {
    std::optional<int> home;
    // Verdicts are ordered by key: that of the whole cell, then those of its shards.
    auto verdict =
        std::lower_bound(tick.plan.verdicts.begin(), tick.plan.verdicts.end(), cell,
                         [](const Verdict& v, const CellKey& key) { return v.key < key; });
    for (; verdict != tick.plan.verdicts.end() && verdict->key.uuid == cell.uuid &&
           verdict->key.cell == cell.cell;
         ++verdict) {
        if (verdict->reason == Reason::split) continue;
        if (!verdict->home) return std::nullopt;
        const int node = tick.snapshot.topology.nodes.at(verdict->home->node).id;
        if (home && *home != node) return std::nullopt;
        home = node;
    }
    return home;
}

}  // namespace

std::optional<Minutes> MinuteSums::update(const Tick& tick) {
    std::optional<Minutes> before;
    const std::int64_t begin = tick.time_ms - tick.time_ms % minute_ms;
    if (begin != time_ms_) before = take();
    time_ms_ = begin;
    if (tick.look) add(tick);
    return before;
}

std::optional<Minutes> MinuteSums::take() {
    if (nodes_.empty() && cells_.empty()) return std::nullopt;
    Minutes minutes;
    for (auto& [key, cell] : cells_) {
        cell.minute.cpu_use /= std::max<std::int64_t>(cell.ticks, 1);
        minutes.cells.push_back(std::move(cell.minute));
    }
    for (auto& [id, node] : nodes_) {
        node.minute.guest_use /= node.ticks;
        node.minute.other_use /= node.ticks;
        minutes.nodes.push_back(node.minute);
    }
    cells_.clear();
    nodes_.clear();
    return minutes;
}

void MinuteSums::add(const Tick& tick) {
    add_nodes(tick);
    for (std::size_t i = 0; i < tick.snapshot.guests.size(); ++i)
        add_guest(tick, i);
    add_moved(tick);
}

void MinuteSums::add_nodes(const Tick& tick) {
    for (const HostNode& node : tick.snapshot.topology.nodes) {
        Node& sum = nodes_[node.id];
        sum.minute.time_ms = time_ms_;
        sum.minute.node = node.id;
        sum.minute.capacity = node.cpu_capacity;
        sum.minute.other_use += node.other_use;
        sum.minute.memory = node.memory_total;
        sum.minute.available = node.memory_available;
        ++sum.ticks;
    }
}

void MinuteSums::add_guest(const Tick& tick, std::size_t index) {
    const GuestState& guest = tick.snapshot.guests[index];
    const auto& nodes = tick.snapshot.topology.nodes;
    for (const CellState& cell : guest.cells) {
        for (const auto& [node, use] : use_by_node(tick, index, cell))
            nodes_.at(nodes.at(node).id).minute.guest_use += use;
        if (cells_.size() >= max_cells_a_minute && !cells_.contains({guest.uuid, cell.key.cell}))
            continue;
        Cell& sum = cells_[{guest.uuid, cell.key.cell}];
        sum.minute.time_ms = time_ms_;
        sum.minute.guest = guest.name;
        sum.minute.uuid = guest.uuid;
        sum.minute.cell = cell.key.cell;
        sum.minute.home = home_of(tick, cell.key);
        sum.minute.cpu_use += cell.cpu_use;
        sum.minute.locality = estimate_locality(tick, index, cell);
        sum.minute.memory.clear();
        for (std::size_t n = 0; n < cell.residency.size() && n < nodes.size(); ++n)
            if (cell.residency[n] > 0)
                sum.minute.memory.push_back({nodes[n].id, cell.residency[n]});
        ++sum.ticks;
    }
}

void MinuteSums::add_moved(const Tick& tick) {
    for (const ActionResult& result : tick.results) {
        const CellKey& key = key_of(result.action);
        if (const auto cell = cells_.find({key.uuid, key.cell}); cell != cells_.end())
            cell->second.minute.moved += result.bytes;
    }
}

}  // namespace vnuma::history
