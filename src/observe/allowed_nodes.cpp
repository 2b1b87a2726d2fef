#include "src/observe/allowed_nodes.hpp"

#include <algorithm>
#include <set>

namespace vnuma {
namespace {

std::size_t count_common(const std::vector<int>& a, const std::vector<int>& b) {
    return static_cast<std::size_t>(std::count_if(
        a.begin(), a.end(), [&](int x) { return std::binary_search(b.begin(), b.end(), x); }));
}

// Whether the owner lets every vCPU run on the node, and leaves the cell enough CPUs there: one for
// each vCPU, or as many as the cell may use anywhere, or as many as the node has.
bool allows_cpus(const CellSample& cell, const std::vector<int>& node_cpus, const Host& host,
                 const KnownPins& pins) {
    std::set<int> all;
    for (const VcpuSample& vcpu : cell.vcpus) {
        const std::vector<int> choice = host.schedulable(pins.owners_choice(vcpu));
        if (count_common(choice, node_cpus) == 0) return false;
        all.insert(choice.begin(), choice.end());
    }
    const std::vector<int> usable(all.begin(), all.end());
    return count_common(usable, node_cpus) >=
           std::min({cell.vcpus.size(), usable.size(), node_cpus.size()});
}

// What the domain and QEMU's backends bind the memory to. Cpusets and memory policies show it too,
// but policies are not read for every guest in every tick.
std::vector<const NumaTune*> binding_numatunes(const GuestSample& guest, const CellSample& cell) {
    std::vector<const NumaTune*> tuning;
    const auto add = [&](const NumaTune* numatune) {
        if (numatune && numatune->binds() && !numatune->nodes.empty()) tuning.push_back(numatune);
    };
    if (guest.domain) add(find_numatune(guest.domain->tuning, cell.id));
    // Blocks that stay because they are bound to different nodes do not say where the vCPUs may be.
    if (!cell.immovable.empty()) return tuning;
    for (const RamBlock& block : cell.blocks)
        add(block.numatune ? &*block.numatune : nullptr);
    return tuning;
}

}  // namespace

NodeSet allowed_nodes(const GuestSample& guest, const CellSample& cell, const Host& host,
                      const Topology& topology, const KnownPins& pins) {
    NodeSet allowed;
    const auto has = [](const std::vector<int>& list, int number) {
        return std::find(list.begin(), list.end(), number) != list.end();
    };
    const auto tuning = binding_numatunes(guest, cell);
    for (std::size_t n = 0; n < topology.nodes.size(); ++n) {
        const int id = topology.nodes[memory_node(topology, NodeIndex(n))].id;
        const std::vector<int>& bound = cell.residency.bound_to;
        const bool memory =
            has(guest.memory_nodes, id) && (bound.empty() || has(bound, id)) &&
            std::all_of(tuning.begin(), tuning.end(),
                        [&](const NumaTune* numatune) { return has(numatune->nodes, id); });
        if (memory && allows_cpus(cell, host.cpus[n], host, pins)) allowed.insert(NodeIndex(n));
    }
    return allowed;
}

}  // namespace vnuma
