// Bystanders: cells that are not placed, and that all others are placed around. Pure.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "policy/model/history.hpp"
#include "policy/model/snapshot.hpp"
#include "policy/units/unit.hpp"

namespace vnuma {

class Bystanders {
  public:
    // Holds references to its arguments.
    Bystanders(const Snapshot& snapshot, const History& history);

    enum class Kind {
        // The guest must not be disturbed at present. Homes of the cell or its shards stay in
        // force.
        unsteady,
        // The guest is planned, but not acted on. Its node is the one that it is confined to.
        watched,
        // The cell has no home, and other members of its group do not join it.
        excluded,
    };
    void add(const GuestState& guest, const CellState& cell, Kind kind);

    // Ordinary memory of all bystanders that is not allocated yet, by NodeIndex.
    const std::vector<Bytes>& growth() const { return growth_; }
    // The node of the first bystander in a group that is arranged together, if there is one.
    std::optional<NodeIndex> node_of_group(std::size_t group) const;
    // Nodes of bystanders in groups that are arranged apart.
    const std::vector<HeldApart>& held_apart() const { return held_apart_; }

  private:
    std::vector<NodeIndex> nodes_of(const CellState& cell, Kind kind) const;

    const Snapshot& snapshot_;
    const History& history_;
    std::vector<Bytes> growth_;
    std::map<std::size_t, NodeIndex> together_;  // by group
    std::vector<HeldApart> held_apart_;
};

}  // namespace vnuma
