#include "policy/units/node_capacity.hpp"

namespace vnuma {

NodeCapacity::NodeCapacity(const Snapshot& snapshot, const PlannerSettings& settings)
    : topology_(snapshot.topology), settings_(settings) {
    const std::size_t nodes = topology_.nodes.size();
    const auto pool = [&](Bytes page) -> std::vector<Bytes>& {
        return pools_.try_emplace(page, nodes).first->second;
    };
    for (std::size_t n = 0; n < nodes; ++n)
        for (const auto& [page, bytes] : topology_.nodes[n].huge_available)
            pool(page)[n] += bytes;
    for (const GuestState& guest : snapshot.guests)
        for (const CellState& cell : guest.cells)
            for (std::size_t n = 0; cell.huge_page != 0 && n < nodes; ++n)
                pool(cell.huge_page)[n] += cell.residency[n];
}

Bytes NodeCapacity::memory(NodeIndex home, Bytes huge_page) const {
    const NodeIndex node = memory_node(topology_, home);
    if (huge_page == 0) return max_used_memory(topology_.nodes[node], settings_);
    const auto pool = pools_.find(huge_page);
    return pool == pools_.end() ? 0 : pool->second[node];
}

NodeSet NodeCapacity::nodes_that_hold(int vcpus, Bytes bytes, Bytes huge_page) const {
    NodeSet fits;
    for (std::size_t n = 0; n < topology_.nodes.size(); ++n) {
        const HostNode& node = topology_.nodes[n];
        // A cell without vCPUs is nothing but memory.
        const bool has_memory =
            node.memory_total > 0 ||
            (vcpus > 0 && topology_.nodes[memory_node(topology_, NodeIndex(n))].memory_total > 0);
        if (has_memory && vcpus <= node.cpus && bytes <= memory(NodeIndex(n), huge_page))
            fits.insert(NodeIndex(n));
    }
    return fits;
}

}  // namespace vnuma
