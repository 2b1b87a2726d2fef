// Memory of a simulated host's nodes, and which of it is whose.
#pragma once

#include <map>
#include <vector>

#include "policy/model/snapshot.hpp"
#include "tests/simulator/trace.hpp"

namespace vnuma::simulator {

// Of each node's memory, so much is never given out: the kernel takes another node's before.
inline constexpr PerMille reserve = 10;

struct CellMemory {
    Bytes huge_page = 0;                    // of the pool it is from; 0: from none
    std::vector<std::vector<Bytes>> parts;  // by region and node

    CellMemory() = default;
    CellMemory(Bytes page, std::size_t nodes)
        : huge_page(page), parts(regions, std::vector<Bytes>(nodes)) {}
    Bytes total() const;
};

class NodeMemory {
  public:
    // `topology` must outlive it.
    explicit NodeMemory(const Topology& topology);

    Bytes free(std::size_t node) const { return free_[node]; }
    const std::map<Bytes, Bytes>& free_huge(std::size_t node) const { return free_huge_[node]; }

    // Takes memory of the node, or of the nearest that has some left. A cell that finds none goes
    // without.
    void touch(CellMemory& memory, std::size_t region, std::size_t node, Bytes bytes);
    // All but so much of it, from everywhere alike.
    void give_back(CellMemory& memory, Bytes kept);
    // Brings what is on other nodes to the emptiest of these, so many bytes at most. Returns how
    // many arrived on each node.
    std::vector<Bytes> move(CellMemory& memory, std::size_t region, NodeSet to, Bytes most);

  private:
    Bytes& free_of(const CellMemory& memory, std::size_t node);
    Bytes to_be_had(const CellMemory& memory, std::size_t node);
    std::size_t emptiest(const CellMemory& memory, NodeSet nodes);

    const Topology& topology_;
    std::vector<Bytes> free_;
    std::vector<std::map<Bytes, Bytes>> free_huge_;  // by page size
};

}  // namespace vnuma::simulator
