#include "tests/simulator/baselines.hpp"

#include <optional>

#include "policy/search/cost.hpp"

namespace vnuma::simulator {
namespace {

const PlannerSettings settings;

// Memory and vCPUs that are committed to the cells pinned to each node.
struct Committed {
    std::vector<Bytes> memory;
    std::vector<int> vcpus;

    explicit Committed(const Snapshot& host) {
        for (const HostNode& node : host.topology.nodes) {
            memory.push_back(node.memory_total - node.memory_available);
            vcpus.push_back(0);
        }
        for (const GuestState& guest : host.guests)
            for (const CellState& cell : guest.cells)
                if (cell.confined_to) add(cell, *cell.confined_to);
    }
    // The part of the memory that is on the node already is part of its used memory.
    void add(const CellState& cell, NodeIndex node) {
        memory[node] += full_bytes(cell) - cell.residency[node];
        vcpus[node] += cell.vcpus;
    }
    bool has_room(const HostNode& node, std::size_t n, const CellState& cell,
                  int vcpus_per_cpu) const {
        return memory[n] + full_bytes(cell) <= max_used_memory(node, settings) &&
               vcpus[n] + cell.vcpus <= node.cpus * vcpus_per_cpu;
    }
};

}  // namespace

std::vector<Order> FirstFit::place(const Snapshot& host, const std::vector<GuestState>& newcomers) {
    constexpr int max_vcpus_per_cpu = 16;
    const std::vector<HostNode>& nodes = host.topology.nodes;
    Committed committed(host);
    std::vector<Order> orders;
    for (const GuestState& guest : newcomers) {
        NodeSet siblings;
        for (const CellState& cell : guest.cells) {
            std::optional<std::size_t> home;
            for (int crowd = 1; !home && crowd <= max_vcpus_per_cpu; ++crowd)
                for (const bool beside_siblings : {false, true})
                    for (std::size_t n = 0; !home && n < nodes.size(); ++n)
                        if (cell.allowed.contains(NodeIndex(n)) &&
                            (beside_siblings || !siblings.contains(NodeIndex(n))) &&
                            committed.has_room(nodes[n], n, cell, crowd))
                            home = n;
            if (!home) continue;
            committed.add(cell, NodeIndex(*home));
            siblings.insert(NodeIndex(*home));
            orders.push_back({cell.key, NodeSet::only(NodeIndex(*home))});
        }
    }
    return orders;
}

}  // namespace vnuma::simulator
