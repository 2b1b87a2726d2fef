#include "integration/scenarios/scenario.hpp"

#include <algorithm>

#include "integration/host/files.hpp"

namespace vnuma::lab {
namespace {

constexpr double nearly_all = 0.99;

int node_of(const std::vector<int>& cpus) {
    for (const int node : online_nodes()) {
        const std::vector<int> of_node = node_cpus(node);
        if (!cpus.empty() &&
            std::includes(of_node.begin(), of_node.end(), cpus.begin(), cpus.end()))
            return node;
    }
    return -1;
}

}  // namespace

Placement placement_of_cell(const Guest& guest, std::size_t cell) {
    const GuestShape& shape = guest.shape();
    const auto size = static_cast<std::uint64_t>(shape.cells[cell].mib) << 20;
    Placement placement;
    double total = 0;
    for (const Mapping& mapping : large_mappings(guest.pid(), size)) {
        if (mapping.size != size) continue;
        for (const auto& [node, bytes] : mapping.bytes) {
            placement.memory_share[node] += static_cast<double>(bytes);
            total += static_cast<double>(bytes);
        }
    }
    for (auto& [node, share] : placement.memory_share)
        share /= total;

    int first = 0;
    for (std::size_t i = 0; i < cell; ++i)
        first += shape.cells[i].vcpus;
    const std::map<int, pid_t> threads = vcpu_threads(guest.pid());
    for (int vcpu = first; vcpu < first + shape.cells[cell].vcpus; ++vcpu) {
        const auto thread = threads.find(vcpu);
        placement.vcpu_nodes.push_back(
            thread == threads.end() ? -1 : node_of(affinity_of(thread->second)));
    }
    return placement;
}

Placement placement_of(const Guest& guest) {
    return placement_of_cell(guest, 0);
}

int home_of(const Placement& placement) {
    if (placement.vcpu_nodes.empty()) return -1;
    const int node = placement.vcpu_nodes.front();
    const auto share = placement.memory_share.find(node);
    const bool vcpus = std::all_of(placement.vcpu_nodes.begin(), placement.vcpu_nodes.end(),
                                   [&](int other) { return other == node; });
    return vcpus && share != placement.memory_share.end() && share->second >= nearly_all ? node
                                                                                         : -1;
}

}  // namespace vnuma::lab
