#include "src/observe/derive_snapshot.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>

#include "guests/model/huge_pages.hpp"
#include "guests/tracking/attribution/attribution.hpp"
#include "policy/model/number_list.hpp"
#include "policy/resolve_policy.hpp"
#include "policy/search/cost.hpp"
#include "policy/units/split.hpp"
#include "src/observe/allowed_nodes.hpp"
#include "src/observe/cpu_pools.hpp"
#include "src/observe/cpu_use.hpp"

namespace vnuma {
namespace {

constexpr int told_distance = 20;  // ACPI's default between two nodes

std::vector<Bytes> by_index(const std::map<int, std::int64_t>& bytes, const Host& host) {
    std::vector<Bytes> residency(host.topology.nodes.size());
    for (const auto& [id, count] : bytes)
        if (const auto node = host.index_of(id)) residency[*node] += count;
    return residency;
}

std::vector<Bytes> heat_of(const GuestSample& guest, const CellSample& cell, const Host& host) {
    const auto heat = guest.tracking.heat_by_cell.find(cell.id);
    return by_index(heat == guest.tracking.heat_by_cell.end() ? BytesByNode() : heat->second, host);
}

std::optional<NodeIndex> node_of(const std::vector<int>& cpus, const Host& host) {
    for (std::size_t n = 0; n < host.cpus.size(); ++n)
        if (std::includes(host.cpus[n].begin(), host.cpus[n].end(), cpus.begin(), cpus.end()))
            return NodeIndex(n);
    return std::nullopt;
}

// A cell with neither vCPUs nor DRAM is left out of the snapshot: a guest with a GPU has several of
// them, for the GPU's own memory. So a cell may have another position in the snapshot than in the
// sample, and is known by its number. While no vCPU thread of the guest can be found, a cell that
// is described with vCPUs stays.
bool takes_part(const GuestSample& guest, const CellSample& cell) {
    const auto has_vcpus = [](const CellSample& one) { return !one.vcpus.empty(); };
    if (guest.cells.size() == 1 || cell.size > 0 || has_vcpus(cell)) return true;
    const DomainCell* described = guest.domain ? find_cell(*guest.domain, cell.id) : nullptr;
    if (!described) return false;
    const bool found = std::any_of(guest.cells.begin(), guest.cells.end(), has_vcpus);
    return !described->size_known || (!found && !described->vcpus.empty());
}

// Of a guest of which one cell takes part.
std::optional<WideUse> wide_use_of(const GuestSample& guest, const CellSample& cell,
                                   std::vector<MilliCpu> use, const Host& host) {
    const auto& matrix = guest.tracking.access_matrix;
    if (!matrix) return std::nullopt;
    WideUse wide;
    wide.cpu_use = std::move(use);
    wide.extents = matrix->extents();
    for (std::size_t g = 0; g < wide.extents; ++g) {
        const auto shared = guest.tracking.owned.shared.find(g);
        wide.shared.push_back(by_index(
            shared == guest.tracking.owned.shared.end() ? BytesByNode() : shared->second, host));
    }
    for (const VcpuSample& vcpu : cell.vcpus) {
        const auto id = static_cast<std::size_t>(vcpu.id);
        for (std::size_t g = 0; g < wide.extents; ++g)
            wide.accesses.push_back(id < matrix->vcpus() ? matrix->at(id, g) : 0);
        const auto own = guest.tracking.owned.by_vcpu.find(vcpu.id);
        wide.own.push_back(by_index(
            own == guest.tracking.owned.by_vcpu.end() ? BytesByNode() : own->second, host));
        wide.confined_to.push_back(node_of(vcpu.affinity, host));
    }
    return wide;
}

// Empty where the guest is told of no distances between these cells: then all are alike.
std::vector<std::vector<int>> distances_of(const std::vector<CellState>& cells,
                                           const Domain& domain) {
    std::vector<std::vector<int>> distances(cells.size(),
                                            std::vector<int>(cells.size(), told_distance));
    bool told = false;
    for (std::size_t a = 0; a < cells.size(); ++a) {
        distances[a][a] = local_distance;
        const DomainCell* described = find_cell(domain, cells[a].key.cell);
        for (std::size_t b = 0; described && b < cells.size(); ++b) {
            const auto known = described->distances.find(cells[b].key.cell);
            if (a == b || known == described->distances.end()) continue;
            distances[a][b] = known->second;
            told = true;
        }
    }
    return told ? distances : std::vector<std::vector<int>>();
}

// Why nothing is done to a guest whose CPUs are left alone. Where all vCPUs of each cell are
// confined to a node, by whoever has changed them, that node is the cell's home and its memory
// follows; nothing is pinned then.
std::string why_hands_off(const GuestSample& guest, const Claims& claims, const Host& host) {
    const HandsOff* why = claims.hands_off.find(guest.uuid);
    if (!why || why->cpus.empty()) return "";
    const bool confined =
        std::all_of(guest.cells.begin(), guest.cells.end(), [&](const CellSample& cell) {
            return cell.vcpus.empty() || confined_to(cell, host).has_value();
        });
    return confined ? "" : why->cpus;
}

// CPUs that the cell's owner lets its vCPUs use and that the scheduler spreads them over, sorted.
std::vector<int> usable_cpus(const CellSample& cell, const Host& host, const KnownPins& pins) {
    std::vector<int> cpus;
    for (const VcpuSample& vcpu : cell.vcpus) {
        const std::vector<int> some = host.schedulable(pins.owners_choice(vcpu));
        std::vector<int> both;
        std::set_union(cpus.begin(), cpus.end(), some.begin(), some.end(),
                       std::back_inserter(both));
        cpus = std::move(both);
    }
    return cpus;
}

CpuPools pools_of(const Sample& sample, const Host& host, const KnownPins& pins) {
    std::set<std::vector<int>> sets;
    for (const GuestSample& guest : sample.guests)
        for (const CellSample& cell : guest.cells)
            if (!cell.vcpus.empty()) sets.insert(usable_cpus(cell, host, pins));
    return {host, sets};
}

// vCPUs that may run on several CPUs, all of which are isolated.
int count_unspread(const CellSample& cell, const Host& host, const KnownPins& pins) {
    return static_cast<int>(
        std::count_if(cell.vcpus.begin(), cell.vcpus.end(), [&](const VcpuSample& vcpu) {
            const std::vector<int>& cpus = pins.owners_choice(vcpu);
            return cpus.size() > 1 && std::includes(host.isolated.begin(), host.isolated.end(),
                                                    cpus.begin(), cpus.end());
        }));
}

// Nodes to which a policy narrows homes: those with these numbers, and memory near.
NodeSet homes_within(const std::vector<int>& ids, const Topology& topology, const Host& host,
                     bool with_memory) {
    const auto has = [&](NodeIndex node) {
        return std::find(ids.begin(), ids.end(), topology.nodes[node].id) != ids.end();
    };
    NodeSet nodes;
    for (const int id : ids)
        if (const auto node = host.index_of(id);
            node && (!with_memory || has(memory_node(topology, *node))))
            nodes.insert(*node);
    return nodes;
}

// The node that the policy fixes for a cell. It has one for each cell of the sample.
int fixed_home(const std::vector<int>& home, const GuestSample& sample, const CellKey& key) {
    if (home.size() == 1) return home.front();
    const auto cell = std::find_if(sample.cells.begin(), sample.cells.end(),
                                   [&](const CellSample& one) { return one.id == key.cell; });
    return home.at(static_cast<std::size_t>(cell - sample.cells.begin()));
}

// The policy narrows what the owner allows.
void apply_policy(GuestState& guest, const GuestSample& sample, const Topology& topology,
                  const Host& host) {
    bool contradicts = false;
    for (CellState& cell : guest.cells) {
        const bool may_be_anywhere = !cell.allowed.empty();
        if (const auto& nodes = guest.policy.nodes)
            cell.allowed = cell.allowed & homes_within(*nodes, topology, host, true);
        if (const auto& home = guest.policy.home; !home.empty())
            cell.allowed = cell.allowed & homes_within({fixed_home(home, sample, cell.key)},
                                                       topology, host, false);
        if (guest.policy.memory == MemoryPolicy::none) cell.movable = false;
        contradicts |= may_be_anywhere && cell.allowed.empty();
    }
    if (contradicts)
        guest.policy.problems.emplace_back(
            "policy: nodes, home: its owner (affinity, cpuset, binding of memory) allows none of "
            "these");
}

CellState state_of(const GuestSample& guest, const CellSample& cell, const Topology& topology,
                   const Host& host, const Claims& claims) {
    CellState state;
    state.key = {guest.uuid, cell.id};
    state.vcpus = static_cast<int>(cell.vcpus.size());
    state.size = cell.size;
    state.huge_page = hugetlb_pool_page_bytes(cell.blocks);
    state.residency = by_index(cell.residency.bytes, host);
    state.heat = heat_of(guest, cell, host);
    const HandsOff* hands_off = claims.hands_off.find(guest.uuid);
    state.movable = guest.immovable.empty() && cell.immovable.empty() &&
                    (!hands_off || hands_off->memory.empty());
    state.allowed = allowed_nodes(guest, cell, host, topology, claims.pins);
    state.confined_to = confined_to(cell, host);
    // Where its CPUs are left alone, that is its home and no other node can be.
    if (hands_off && !hands_off->cpus.empty() && state.confined_to) {
        NodeSet there;
        there.insert(*state.confined_to);
        state.allowed = state.allowed & there;
    }
    state.pinned = claims.pins.holds(cell);
    state.unspread_vcpus = count_unspread(cell, host, claims.pins);
    return state;
}

GuestState guest_of(const GuestSample& sample, const CpuUse& measured, const Topology& topology,
                    const Host& host, const Claims& claims, const CpuPools& pools) {
    GuestState guest;
    guest.uuid = sample.uuid;
    guest.name = sample.name;
    guest.unsteady = sample.unsteady;
    if (guest.unsteady.empty()) guest.unsteady = why_hands_off(sample, claims, host);
    const auto parts =
        std::count_if(sample.cells.begin(), sample.cells.end(),
                      [&](const CellSample& cell) { return takes_part(sample, cell); });
    for (const CellSample& cell : sample.cells) {
        if (!takes_part(sample, cell)) continue;
        auto use = cpu_use(sample, cell, measured);
        if (!use && guest.unsteady.empty()) guest.unsteady = "its CPU use is not known yet";
        CellState& state = guest.cells.emplace_back(state_of(sample, cell, topology, host, claims));
        state.cpu_pools = pools.usable_by(usable_cpus(cell, host, claims.pins));
        if (use) state.cpu_use = std::accumulate(use->begin(), use->end(), MilliCpu{0});
        if (use && parts == 1) guest.wide = wide_use_of(sample, cell, std::move(*use), host);
    }
    if (sample.domain) guest.distances = distances_of(guest.cells, *sample.domain);
    for (const HostDevice& device : sample.devices)
        if (const auto node = device.node ? host.index_of(*device.node) : std::nullopt)
            guest.devices.push_back(*node);
    return guest;
}

// A group with one home needs a node that all of its members may use.
void check_groups(Snapshot& snapshot, const HostPolicy& policy) {
    for (const GroupState& group : snapshot.groups) {
        if (group.arrangement != Arrangement::together) continue;
        NodeSet common = NodeSet::first(max_host_nodes);
        std::vector<GuestState*> members;
        for (GuestState& guest : snapshot.guests) {
            if (guest.policy.group != group.name || guest.policy.mode == Mode::off ||
                guest.cells.size() != 1 || guest.cells.front().allowed.empty())
                continue;
            members.push_back(&guest);
            common = common & guest.cells.front().allowed;
        }
        if (!common.empty()) continue;
        const auto at_run_time_group = policy.run_time.groups.find(group.name);
        const bool at_run_time = at_run_time_group != policy.run_time.groups.end() &&
                                 at_run_time_group->second.arrangement.has_value();
        for (GuestState* guest : members)
            guest->policy.problems.push_back((at_run_time ? "run-time policy, group." : "group.") +
                                             group.name +
                                             ": arrangement: no node may be used by all of its "
                                             "members");
    }
}

}  // namespace

std::optional<NodeIndex> confined_to(const CellSample& cell, const Host& host) {
    if (cell.vcpus.empty()) return std::nullopt;
    const auto first = node_of(cell.vcpus.front().affinity, host);
    const bool all = std::all_of(cell.vcpus.begin(), cell.vcpus.end(), [&](const auto& vcpu) {
        return node_of(vcpu.affinity, host) == first;
    });
    return all ? first : std::nullopt;
}

Snapshot derive(const Look& current, const Host& host, const Claims& claims,
                const HostPolicy& policy, const GuestPolicies& policies) {
    Snapshot snapshot;
    snapshot.now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       current.sample.time.time_since_epoch())
                       .count();
    snapshot.topology = current.host.topology;
    for (const auto& [name, arrangement] : policy.arrangements())
        snapshot.groups.push_back({name, arrangement});
    for (std::size_t n = 0; n < snapshot.topology.nodes.size(); ++n)
        snapshot.topology.nodes[n].other_use = other_use(NodeIndex(n), current.use);
    const Topology& topology = snapshot.topology;
    const CpuPools pools = pools_of(current.sample, host, claims.pins);
    for (const GuestSample& sample : current.sample.guests) {
        GuestState& guest = snapshot.guests.emplace_back(
            guest_of(sample, current.use, topology, host, claims, pools));
        guest.policy = policies.at(sample.uuid);
        apply_policy(guest, sample, topology, host);
    }
    snapshot.topology.pools = pools.pools();
    check_groups(snapshot, policy);
    return snapshot;
}

}  // namespace vnuma
