// What the planner knows of the host at one moment. A value: it can be stored and planned again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"
#include "policy/model/types.hpp"

namespace vnuma {

struct HostNode {
    int id = 0;                               // the kernel's number
    int cpus = 0;                             // logical CPUs online
    MilliCpu cpu_capacity = 0;                // a core is 1000; each further SMT sibling adds 200
    Bytes memory_total = 0;                   // without its pools of huge pages
    Bytes memory_available = 0;               // free, or free for the asking (clean page cache)
    std::map<Bytes, Bytes> huge_available{};  // free bytes of each pool, by page size
    MilliCpu other_use = 0;                   // of its CPUs, by others than vCPUs of guests

    friend bool operator==(const HostNode&, const HostNode&) = default;
};

struct Topology {
    std::vector<HostNode> nodes;
    std::vector<std::vector<int>> distances;  // SLIT values by NodeIndex; 10 is local

    friend bool operator==(const Topology&, const Topology&) = default;
};

inline constexpr int local_distance = 10;

struct CellState {
    CellKey key;
    int vcpus = 0;
    MilliCpu cpu_use = 0;  // what its vCPUs are entitled to: run time plus time waiting for a CPU
    Bytes size = 0;        // as configured; not all may have been touched yet
    std::vector<Bytes> residency;  // by NodeIndex
    // The same memory, each byte weighted by how hot it is, from 0 (never accessed) to 1 (whenever
    // it was looked at). All 0 where nothing is known.
    std::vector<Bytes> heat;
    Bytes huge_page = 0;                   // page size of the pool its memory is from; 0: from none
    bool movable = true;                   // whether its memory can be moved
    NodeSet allowed;                       // where its owner lets it be, vCPUs and memory
    std::optional<NodeIndex> confined_to;  // where all of its vCPUs are pinned just now
    bool pinned = false;                   // and whether any of that is our doing

    friend bool operator==(const CellState&, const CellState&) = default;
};

// Who touches which memory of a guest without vNUMA that fits no node. What its shards are made of.
struct WideUse {
    std::vector<MilliCpu> cpu_use;  // by vCPU: its place among the cell's, not its number
    std::vector<std::optional<NodeIndex>> confined_to;  // by vCPU
    // How much each vCPU was seen touching each of some equal groups of its memory, by heat, in
    // units of no meaning but against each other: vCPU by vCPU, the groups of each in their order.
    std::size_t extents = 0;
    std::vector<std::uint32_t> accesses;
    // Bytes by node that a vCPU alone was seen touching twice in a row; node by node for each vCPU.
    std::vector<std::vector<Bytes>> own;
    std::vector<std::vector<Bytes>> shared;  // that several touch; node by node for each group

    std::size_t vcpus() const { return cpu_use.size(); }
    std::uint32_t at(std::size_t vcpu, std::size_t extent) const {
        return accesses[vcpu * extents + extent];
    }
    // Whether anything was seen. Without that there are no shards.
    bool known() const;

    friend bool operator==(const WideUse&, const WideUse&) = default;
};

struct GuestState {
    std::string uuid;
    std::string name;
    std::string unsteady;  // why nothing may be done to it just now; empty when something may
    std::vector<CellState> cells;
    std::optional<WideUse> wide{};  // of a guest without vNUMA that fits no node
    // Between its cells, as the guest is told (SLIT, 10 is local); empty: all alike.
    std::vector<std::vector<int>> distances{};
    std::vector<NodeIndex> devices{};  // where devices of its own are (HostDevice)
    GuestPolicy policy{};

    friend bool operator==(const GuestState&, const GuestState&) = default;
};

struct GroupState {
    std::string name;
    Arrangement arrangement = Arrangement::none;

    friend bool operator==(const GroupState&, const GroupState&) = default;
};

struct Snapshot {
    Millis now = 0;
    Topology topology;
    std::vector<GuestState> guests;
    std::vector<GroupState> groups{};

    friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

Bytes total_bytes(const CellState& cell);

// What it needs on a node once it has touched all of its memory.
Bytes full_bytes(const CellState& cell);

// Of its ordinary memory what it has not touched yet, where that would come: where its vCPUs are
// confined to, or else where the rest is.
Bytes growth_at(const CellState& cell, NodeIndex node);

// Share of the cell's bytes on one node; 1000 for a cell without any.
PerMille locality(const CellState& cell, NodeIndex node);

}  // namespace vnuma
