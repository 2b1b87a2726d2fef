#include "src/derive.hpp"

#include <algorithm>

namespace vnuma {
namespace {

using Threads = std::map<pid_t, const VcpuSample*>;

Threads threads_of(const Sample* sample, const std::string& uuid) {
    Threads threads;
    if (!sample) return threads;
    for (const GuestSample& guest : sample->guests)
        if (guest.uuid == uuid)
            for (const CellSample& cell : guest.cells)
                for (const VcpuSample& vcpu : cell.vcpus)
                    threads[vcpu.thread] = &vcpu;
    return threads;
}

// Nothing when one of the threads was not there in the sample before.
std::optional<MilliCpu> cpu_use(const CellSample& cell, const Threads& before, Millis elapsed) {
    MilliCpu use = 0;
    for (const VcpuSample& vcpu : cell.vcpus) {
        const auto known = before.find(vcpu.thread);
        if (known == before.end() || known->second->start_time != vcpu.start_time || elapsed <= 0)
            return std::nullopt;
        const std::uint64_t used_ns =
            vcpu.run_ns - known->second->run_ns + vcpu.wait_ns - known->second->wait_ns;
        use += static_cast<MilliCpu>(used_ns / 1000) / elapsed;
    }
    return use;
}

bool intersect(const std::vector<int>& a, const std::vector<int>& b) {
    return std::any_of(a.begin(), a.end(),
                       [&](int x) { return std::binary_search(b.begin(), b.end(), x); });
}

NodeSet allowed_nodes(const GuestSample& guest, const CellSample& cell, const Host& host,
                      const Pins& pins) {
    NodeSet allowed;
    const auto has = [](const std::vector<int>& list, int number) {
        return std::find(list.begin(), list.end(), number) != list.end();
    };
    for (std::size_t n = 0; n < host.topology.nodes.size(); ++n) {
        const int id = host.topology.nodes[n].id;
        const std::vector<int>& bound = cell.residency.bound_to;
        const bool memory = has(guest.memory_nodes, id) && (bound.empty() || has(bound, id));
        const bool cpus = std::all_of(cell.vcpus.begin(), cell.vcpus.end(), [&](const auto& vcpu) {
            return intersect(pins.owners_choice(vcpu), host.cpus[n]);
        });
        if (memory && cpus) allowed.insert(NodeIndex(n));
    }
    return allowed;
}

std::vector<Bytes> by_index(const std::map<int, std::int64_t>& bytes, const Host& host) {
    std::vector<Bytes> residency(host.topology.nodes.size());
    for (const auto& [id, count] : bytes)
        if (const auto node = host.index_of(id)) residency[*node] += count;
    return residency;
}

std::string foreign_change(const GuestSample& guest, const Pins& pins) {
    for (const CellSample& cell : guest.cells)
        for (const VcpuSample& vcpu : cell.vcpus)
            if (pins.changed_by_someone_else(vcpu))
                return "someone else changed the CPUs of vCPU " + std::to_string(vcpu.id) + " to " +
                       format_number_list(vcpu.affinity);
    return "";
}

}  // namespace

std::optional<NodeIndex> confined_to(const CellSample& cell, const Host& host) {
    for (std::size_t n = 0; n < host.cpus.size(); ++n) {
        const bool all = std::all_of(cell.vcpus.begin(), cell.vcpus.end(), [&](const auto& vcpu) {
            return std::includes(host.cpus[n].begin(), host.cpus[n].end(), vcpu.affinity.begin(),
                                 vcpu.affinity.end());
        });
        if (all && !cell.vcpus.empty()) return NodeIndex(n);
    }
    return std::nullopt;
}

Snapshot derive(const Sample* previous, const Sample& current, const Host& host,
                const Topology& topology, const Pins& pins) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    const Millis elapsed =
        previous ? duration_cast<milliseconds>(current.time - previous->time).count() : 0;
    Snapshot snapshot;
    snapshot.now = duration_cast<milliseconds>(current.time.time_since_epoch()).count();
    snapshot.topology = topology;
    for (const GuestSample& sample : current.guests) {
        GuestState guest{sample.uuid, sample.name, sample.unsteady, {}};
        const Threads before = threads_of(previous, sample.uuid);
        if (guest.unsteady.empty()) guest.unsteady = foreign_change(sample, pins);
        for (const CellSample& cell : sample.cells) {
            const auto use = cpu_use(cell, before, elapsed);
            if (!use && guest.unsteady.empty()) guest.unsteady = "its CPU use is not known yet";
            guest.cells.push_back({{sample.uuid, cell.id},
                                   static_cast<int>(cell.vcpus.size()),
                                   use.value_or(0),
                                   by_index(cell.residency.bytes, host),
                                   sample.immovable.empty(),
                                   allowed_nodes(sample, cell, host, pins),
                                   confined_to(cell, host)});
        }
        snapshot.guests.push_back(std::move(guest));
    }
    return snapshot;
}

}  // namespace vnuma
