#include "tests/simulator/simulated_memory.hpp"

#include <algorithm>
#include <numeric>

namespace vnuma::simulator {

Bytes CellMemory::total() const {
    Bytes bytes = 0;
    for (const auto& region : parts)
        bytes = std::accumulate(region.begin(), region.end(), bytes);
    return bytes;
}

NodeMemory::NodeMemory(const Topology& topology) : topology_(topology) {
    for (const HostNode& node : topology.nodes) {
        free_.push_back(node.memory_available);
        free_huge_.push_back(node.huge_available);
    }
}

Bytes& NodeMemory::free_of(const CellMemory& memory, std::size_t node) {
    return memory.huge_page == 0 ? free_[node] : free_huge_[node][memory.huge_page];
}

Bytes NodeMemory::available(const CellMemory& memory, std::size_t node) {
    const Bytes kept =
        memory.huge_page == 0 ? topology_.nodes[node].memory_total / 1000 * reserve : 0;
    return std::max<Bytes>(free_of(memory, node) - kept, 0);
}

void NodeMemory::allocate(CellMemory& memory, std::size_t region, std::size_t node, Bytes bytes) {
    const std::vector<int>& distances = topology_.distances[node];
    NodeSet tried;
    while (bytes > 0 && static_cast<std::size_t>(tried.size()) < free_.size()) {
        std::size_t nearest = free_.size();
        for (std::size_t n = 0; n < free_.size(); ++n)
            if (!tried.contains(NodeIndex(n)) &&
                (nearest == free_.size() || distances[n] < distances[nearest]))
                nearest = n;
        tried.insert(NodeIndex(nearest));
        const Bytes here = std::min(bytes, available(memory, nearest));
        memory.parts[region][nearest] += here;
        free_of(memory, nearest) -= here;
        bytes -= here;
    }
}

void NodeMemory::shrink(CellMemory& memory, Bytes kept) {
    const Bytes total = memory.total();
    const double share = total == 0 ? 0 : static_cast<double>(kept) / static_cast<double>(total);
    for (auto& region : memory.parts)
        for (std::size_t n = 0; n < region.size(); ++n) {
            const auto left = static_cast<Bytes>(static_cast<double>(region[n]) * share);
            free_of(memory, n) += region[n] - left;
            region[n] = left;
        }
}

std::size_t NodeMemory::emptiest(const CellMemory& memory, NodeSet nodes) {
    std::size_t best = free_.size();
    for (std::size_t n = 0; n < free_.size(); ++n)
        if (nodes.contains(NodeIndex(n)) &&
            (best == free_.size() || available(memory, n) > available(memory, best)))
            best = n;
    return best;
}

std::vector<Bytes> NodeMemory::move(CellMemory& memory, std::size_t region, NodeSet to,
                                    Bytes max_bytes) {
    std::vector<Bytes> arrived(free_.size());
    for (std::size_t from = 0; from < free_.size(); ++from) {
        if (to.contains(NodeIndex(from)) || memory.parts[region][from] == 0) continue;
        const std::size_t here = emptiest(memory, to);
        if (here == free_.size()) break;
        const Bytes bytes =
            std::min({memory.parts[region][from], max_bytes, available(memory, here)});
        memory.parts[region][from] -= bytes;
        memory.parts[region][here] += bytes;
        free_of(memory, from) += bytes;
        free_of(memory, here) -= bytes;
        arrived[here] += bytes;
        max_bytes -= bytes;
    }
    return arrived;
}

}  // namespace vnuma::simulator
