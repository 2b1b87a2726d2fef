// What the planner knows of the host at one moment. A value: it can be stored and planned again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/types.hpp"

namespace vnuma {

struct HostNode {
    int id = 0;                 // the kernel's number
    int cpus = 0;               // logical CPUs online
    MilliCpu cpu_capacity = 0;  // a core is 1000; each further SMT sibling adds 200
    Bytes memory_total = 0;
    Bytes memory_available = 0;               // free, or free for the asking (clean page cache)
    std::map<Bytes, Bytes> huge_available{};  // free bytes of each pool, by page size
};

struct Topology {
    std::vector<HostNode> nodes;
    std::vector<std::vector<int>> distances;  // SLIT values by NodeIndex; 10 is local
};

struct CellState {
    CellKey key;
    int vcpus = 0;
    MilliCpu cpu_use = 0;          // run time plus time waiting for a CPU
    Bytes size = 0;                // as configured; not all may have been touched yet
    std::vector<Bytes> residency;  // by NodeIndex
    // The same memory, each byte weighted by how hot it is, from 0 (never accessed) to 1 (whenever
    // it was looked at). All 0 where nothing is known.
    std::vector<Bytes> heat;
    Bytes huge_page = 0;                   // page size of the pool its memory is from; 0: from none
    bool movable = true;                   // whether its memory can be moved
    NodeSet allowed;                       // where its owner lets it be, vCPUs and memory
    std::optional<NodeIndex> confined_to;  // where all of its vCPUs are pinned just now
    bool pinned = false;                   // and whether any of that is our doing
};

// How much each vCPU of a guest was seen touching each of some equal groups of its memory, by heat,
// in units of no meaning but against each other. What shards of a guest without vNUMA are made
// from.
struct Touching {
    std::size_t vcpus = 0, groups = 0;
    std::vector<std::uint32_t> counts;  // vCPU by vCPU, the groups of each in their order

    std::uint32_t at(std::size_t vcpu, std::size_t group) const {
        return counts[vcpu * groups + group];
    }
};

struct GuestState {
    std::string uuid;
    std::string name;
    std::string unsteady;  // why nothing may be done to it just now; empty when something may
    std::vector<CellState> cells;
    std::optional<Touching> touching{};  // of a guest without vNUMA that spans nodes
};

struct Snapshot {
    Millis now = 0;
    Topology topology;
    std::vector<GuestState> guests;
};

Bytes total_bytes(const CellState& cell);

// What it needs on a node once it has touched all of its memory.
Bytes full_bytes(const CellState& cell);

// Share of the cell's bytes on one node; 1000 for a cell without any.
PerMille locality(const CellState& cell, NodeIndex node);

}  // namespace vnuma
