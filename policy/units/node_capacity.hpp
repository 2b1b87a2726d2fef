// What nodes hold as long as nothing else is there. Pure.
#pragma once

#include <map>
#include <vector>

#include "policy/model/planner_settings.hpp"
#include "policy/model/snapshot.hpp"

namespace vnuma {

// The arguments must outlive it.
class NodeCapacity {
  public:
    NodeCapacity(const Snapshot& snapshot, const PlannerSettings& settings);

    // Ordinary memory (0) below the watermark; or of a pool what is free, and what guests have.
    Bytes memory(NodeIndex node, Bytes huge_page) const;
    // With CPUs, if any are wanted, and memory, and on which so much fits.
    NodeSet nodes_that_hold(int vcpus, Bytes bytes, Bytes huge_page) const;

  private:
    const Topology& topology_;
    const PlannerSettings& settings_;
    std::map<Bytes, std::vector<Bytes>> pools_;  // by page size and node
};

}  // namespace vnuma
