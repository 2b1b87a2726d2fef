// Capacity of the nodes for guests, regardless of what the guests use at present. Pure.
#pragma once

#include <map>
#include <vector>

#include "policy/model/planner_settings.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

// Holds references to its arguments.
class NodeCapacity {
  public:
    NodeCapacity(const Snapshot& snapshot, const PlannerSettings& settings);

    // Memory of a home's memory_node() in bytes: ordinary memory up to the watermark if `huge_page`
    // is 0, or else what is free in the pool with this page size, together with what guests use of
    // the pool.
    Bytes memory(NodeIndex home, Bytes huge_page) const;
    // Nodes that have at least as many CPUs as vCPUs, and whose memory node has the capacity for
    // these bytes.
    NodeSet nodes_that_hold(int vcpus, Bytes bytes, Bytes huge_page) const;

  private:
    const Topology& topology_;
    const PlannerSettings& settings_;
    std::map<Bytes, std::vector<Bytes>> pools_;  // by page size and NodeIndex
};

}  // namespace vnuma
