// What nodes hold as long as nothing else is there. Pure.
#pragma once

#include <map>
#include <vector>

#include "policy/cost.hpp"
#include "policy/snapshot.hpp"

namespace vnuma {

// The arguments must outlive it.
class EmptyNodes {
  public:
    EmptyNodes(const Snapshot& snapshot, const PlannerSettings& settings);

    // Ordinary memory (0) below the watermark; or of a pool what is free, and what guests have.
    Bytes memory(NodeIndex node, Bytes huge_page) const;
    // With CPUs, if any are wanted, and memory, and on which so much fits.
    NodeSet that_hold(int vcpus, Bytes bytes, Bytes huge_page) const;

  private:
    const Topology& topology_;
    const PlannerSettings& settings_;
    std::map<Bytes, std::vector<Bytes>> pools_;  // by page size and node
};

}  // namespace vnuma
