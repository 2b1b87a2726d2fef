// A placement under search: which cell has which home, and what it costs to change that.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "policy/cost.hpp"
#include "policy/snapshot.hpp"

namespace vnuma {

class Placement {
  public:
    struct Item {
        const CellState* cell = nullptr;
        const GuestState* guest = nullptr;
        NodeSet fits;                     // allowed nodes that hold the cell as a whole
        std::optional<NodeIndex> former;  // its home before this search
        std::optional<NodeIndex> home;
        bool fixed = false;  // cools down
    };

    // Items without a home yet count where their memory is now.
    Placement(const Snapshot& snapshot, const PlannerSettings& settings, std::vector<Item> items);

    const std::vector<Item>& items() const { return items_; }

    // The cost that this cell's being at `node` adds to the host, all other cells as they are.
    Cost marginal(std::size_t item, NodeIndex node) const;

    // Whether memory stays below the watermark of `node` with this cell there; for a cell of huge
    // pages, whether the node's pool has them.
    bool has_room(std::size_t item, NodeIndex node) const;
    bool have_room_swapped(std::size_t a, std::size_t b) const;

    void put(std::size_t item, std::optional<NodeIndex> home);

  private:
    using Use = std::vector<Bytes>;  // by node: in use once all memory has arrived

    void count(const Item& item, int sign);
    Bytes limit(Bytes huge_page, NodeIndex node) const;
    Use& use_of(const CellState& cell) { return use_.at(cell.huge_page); }
    const Use& use_of(const CellState& cell) const { return use_.at(cell.huge_page); }

    const Snapshot& snapshot_;
    const PlannerSettings& settings_;
    std::vector<Item> items_;
    std::vector<MilliCpu> demand_;  // by node
    std::map<Bytes, Use> use_;      // by page size of the pool; 0 is ordinary memory
};

}  // namespace vnuma
