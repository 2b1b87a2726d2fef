#include "src/observe/allowed_nodes.hpp"

#include <algorithm>
#include <set>

namespace vnuma {
namespace {

std::size_t count_common(const std::vector<int>& a, const std::vector<int>& b) {
    return static_cast<std::size_t>(std::count_if(
        a.begin(), a.end(), [&](int x) { return std::binary_search(b.begin(), b.end(), x); }));
}

// Its owner lets every vCPU run on the node, and gives the cell as many CPUs there as it has vCPUs
// (or as it has anywhere, if its owner is so strict, or as there are).
bool allows_cpus(const CellSample& cell, const std::vector<int>& node_cpus, const KnownPins& pins) {
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

// Nodes its owner wants its memory on, and nowhere else: nothing when there is no such numatune.
// What is in force shows in cpusets and policies, too, but not in every look and not of every
// guest.
std::vector<const NumaTune*> binding_numatunes(const GuestSample& guest, const CellSample& cell) {
    std::vector<const NumaTune*> tuning;
    const auto add = [&](const NumaTune* numatune) {
        if (numatune && numatune->binds() && !numatune->nodes.empty()) tuning.push_back(numatune);
    };
    if (guest.domain) add(find_numatune(guest.domain->tuning, cell.id));
    for (const RamBlock& block : cell.blocks)
        add(block.numatune ? &*block.numatune : nullptr);
    return tuning;
}

}  // namespace

NodeSet allowed_nodes(const GuestSample& guest, const CellSample& cell, const Host& host,
                      const KnownPins& pins) {
    NodeSet allowed;
    const auto has = [](const std::vector<int>& list, int number) {
        return std::find(list.begin(), list.end(), number) != list.end();
    };
    const auto tuning = binding_numatunes(guest, cell);
    for (std::size_t n = 0; n < host.topology.nodes.size(); ++n) {
        const int id = host.topology.nodes[n].id;
        const std::vector<int>& bound = cell.residency.bound_to;
        const bool memory =
            has(guest.memory_nodes, id) && (bound.empty() || has(bound, id)) &&
            std::all_of(tuning.begin(), tuning.end(),
                        [&](const NumaTune* numatune) { return has(numatune->nodes, id); });
        if (memory && allows_cpus(cell, host.cpus[n], pins)) allowed.insert(NodeIndex(n));
    }
    return allowed;
}

}  // namespace vnuma
