// The memory of a simulated host's nodes, and the part of it that each cell has.
#pragma once

#include <map>
#include <vector>

#include "policy/model/snapshot.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// Share of each node's memory that is never allocated: the kernel falls back to other nodes first.
inline constexpr PerMille reserve = 10;

struct CellMemory {
    Bytes huge_page = 0;                    // page size of the pool it is from; 0: ordinary memory
    std::vector<std::vector<Bytes>> parts;  // bytes by region and NodeIndex

    CellMemory() = default;
    CellMemory(Bytes page, std::size_t nodes)
        : huge_page(page), parts(regions, std::vector<Bytes>(nodes)) {}
    Bytes total() const;
};

class NodeMemory {
  public:
    // Holds a reference to `topology`.
    explicit NodeMemory(const Topology& topology);

    Bytes free(std::size_t node) const { return free_[node]; }
    const std::map<Bytes, Bytes>& free_huge(std::size_t node) const { return free_huge_[node]; }

    // Allocates memory on the node, or on the nearest ones with memory left. Allocates less if no
    // node has any.
    void allocate(CellMemory& memory, std::size_t region, std::size_t node, Bytes bytes);
    // Frees all but this many bytes, in equal shares of all regions and nodes.
    void shrink(CellMemory& memory, Bytes kept);
    // Moves the region from other nodes to the one of these with the most memory left. Returns the
    // bytes that arrived on each node.
    std::vector<Bytes> move(CellMemory& memory, std::size_t region, NodeSet to, Bytes max_bytes);

  private:
    Bytes& free_of(const CellMemory& memory, std::size_t node);
    Bytes available(const CellMemory& memory, std::size_t node);
    std::size_t emptiest(const CellMemory& memory, NodeSet nodes);

    const Topology& topology_;
    std::vector<Bytes> free_;
    std::vector<std::map<Bytes, Bytes>> free_huge_;  // by page size
};

}  // namespace vnuma::simulator
