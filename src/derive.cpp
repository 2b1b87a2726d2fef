#include "src/derive.hpp"

#include <algorithm>
#include <set>

#include "guests/tracking/attribution.hpp"

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

std::size_t count_common(const std::vector<int>& a, const std::vector<int>& b) {
    return static_cast<std::size_t>(std::count_if(
        a.begin(), a.end(), [&](int x) { return std::binary_search(b.begin(), b.end(), x); }));
}

// Its owner lets every vCPU run on the node, and gives the cell as many CPUs there as it has vCPUs
// (or as it has anywhere, if its owner is so strict, or as there are).
bool allows_cpus(const CellSample& cell, const std::vector<int>& node_cpus, const Pins& pins) {
    std::set<int> all;
    for (const VcpuSample& vcpu : cell.vcpus) {
        const std::vector<int>& choice = pins.owners_choice(vcpu);
        if (count_common(choice, node_cpus) == 0) return false;
        all.insert(choice.begin(), choice.end());
    }
    const std::vector<int> usable(all.begin(), all.end());
    return count_common(usable, node_cpus) >=
           std::min({cell.vcpus.size(), usable.size(), node_cpus.size()});
}

// Nodes its owner wants its memory on, and nowhere else: nothing when there is no such wish. What
// is in force shows in cpusets and policies, too, but not in every look and not of every guest.
std::vector<const NodeWish*> binding_wishes(const GuestSample& guest, const CellSample& cell) {
    std::vector<const NodeWish*> wishes;
    const auto add = [&](const NodeWish* wish) {
        if (wish && wish->binds() && !wish->nodes.empty()) wishes.push_back(wish);
    };
    if (guest.domain) add(find_wish(guest.domain->wishes, cell.id));
    for (const RamBlock& block : cell.blocks)
        add(block.wish ? &*block.wish : nullptr);
    return wishes;
}

NodeSet allowed_nodes(const GuestSample& guest, const CellSample& cell, const Host& host,
                      const Pins& pins) {
    NodeSet allowed;
    const auto has = [](const std::vector<int>& list, int number) {
        return std::find(list.begin(), list.end(), number) != list.end();
    };
    const auto wishes = binding_wishes(guest, cell);
    for (std::size_t n = 0; n < host.topology.nodes.size(); ++n) {
        const int id = host.topology.nodes[n].id;
        const std::vector<int>& bound = cell.residency.bound_to;
        const bool memory = has(guest.memory_nodes, id) && (bound.empty() || has(bound, id)) &&
                            std::all_of(wishes.begin(), wishes.end(),
                                        [&](const NodeWish* wish) { return has(wish->nodes, id); });
        if (memory && allows_cpus(cell, host.cpus[n], pins)) allowed.insert(NodeIndex(n));
    }
    return allowed;
}

std::vector<Bytes> by_index(const std::map<int, std::int64_t>& bytes, const Host& host) {
    std::vector<Bytes> residency(host.topology.nodes.size());
    for (const auto& [id, count] : bytes)
        if (const auto node = host.index_of(id)) residency[*node] += count;
    return residency;
}

std::vector<Bytes> heat_of(const GuestSample& guest, const CellSample& cell, const Host& host) {
    const auto heat = guest.tracking.heat_by_cell.find(cell.id);
    return by_index(heat == guest.tracking.heat_by_cell.end() ? HeatByNode() : heat->second, host);
}

std::optional<Touching> touching_of(const GuestSample& guest) {
    const auto& matrix = guest.tracking.touching;
    if (!matrix || guest.cells.size() != 1) return std::nullopt;
    return Touching{matrix->vcpus(), matrix->groups(), matrix->counts()};
}

Bytes huge_page_of(const CellSample& cell) {
    for (const RamBlock& block : cell.blocks)
        if (block.hugetlb) return block.page_bytes;
    return 0;
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
        GuestState guest{sample.uuid, sample.name, sample.unsteady, {}, {}};
        const Threads before = threads_of(previous, sample.uuid);
        if (guest.unsteady.empty()) guest.unsteady = foreign_change(sample, pins);
        for (const CellSample& cell : sample.cells) {
            const auto use = cpu_use(cell, before, elapsed);
            if (!use && guest.unsteady.empty()) guest.unsteady = "its CPU use is not known yet";
            CellState state;
            state.key = {sample.uuid, cell.id};
            state.vcpus = static_cast<int>(cell.vcpus.size());
            state.cpu_use = use.value_or(0);
            state.size = cell.size;
            state.huge_page = huge_page_of(cell);
            state.residency = by_index(cell.residency.bytes, host);
            state.heat = heat_of(sample, cell, host);
            state.movable = sample.immovable.empty();
            state.allowed = allowed_nodes(sample, cell, host, pins);
            state.confined_to = confined_to(cell, host);
            state.pinned = pins.holds(cell);
            guest.cells.push_back(std::move(state));
        }
        guest.touching = touching_of(sample);
        snapshot.guests.push_back(std::move(guest));
    }
    return snapshot;
}

std::map<std::string, TrackingHint> derive_hints(const Snapshot& snapshot, const Plan& plan,
                                                 const std::vector<ActionResult>& results) {
    std::map<std::string, TrackingHint> hints;
    for (const GuestState& guest : snapshot.guests)
        hints[guest.uuid].well_placed = !guest.cells.empty();
    for (const Verdict& verdict : plan.verdicts) {
        TrackingHint& hint = hints[verdict.key.uuid];
        hint.well_placed &= verdict.reason == Reason::settled;
        // Its vCPUs and memory may be on several nodes, and nothing tells which belong together.
        hint.attribute |= verdict.reason == Reason::too_large;
    }
    for (const GuestState& guest : snapshot.guests)
        if (guest.cells.size() != 1 || guest.cells.front().vcpus < 2)
            hints[guest.uuid].attribute = false;
    for (const ActionResult& result : results) {
        const bool moved = std::holds_alternative<MoveMemory>(result.action) && result.bytes > 0;
        const bool pinned = std::holds_alternative<PinCell>(result.action) && result.error.empty();
        hints[key_of(result.action).uuid].changed |= moved || pinned;
    }
    return hints;
}

}  // namespace vnuma
