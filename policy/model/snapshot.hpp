// What the planner knows of the host at one moment. A value, so it can be recorded and replayed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"
#include "policy/model/types.hpp"

namespace vnuma {

inline constexpr MilliCpu core_capacity = 1000;
// A further hardware thread of a busy core adds a fifth of a core; numad assumes the same.
inline constexpr MilliCpu sibling_capacity = 200;

struct HostNode {
    int id = 0;                               // the kernel's number
    int cpus = 0;                             // logical CPUs online
    MilliCpu cpu_capacity = 0;                // of its cores, and of their further SMT siblings
    Bytes memory_total = 0;                   // without the node's pools of huge pages
    Bytes memory_available = 0;               // free, or clean page cache
    std::map<Bytes, Bytes> huge_available{};  // free bytes of each pool, by page size
    MilliCpu other_use = 0;                   // CPU use on this node that lasts, not by guests

    friend bool operator==(const HostNode&, const HostNode&) = default;
};

// CPUs of one node that the same cells may use. Isolation, cpusets and affinities divide the CPUs
// of a host, so that a guest competes only with those that may use the same CPUs.
struct CpuPool {
    NodeIndex node{};
    MilliCpu capacity = 0;  // as HostNode::cpu_capacity
    MilliCpu siblings = 0;  // the part of it that further SMT siblings add

    friend bool operator==(const CpuPool&, const CpuPool&) = default;
};

struct Topology {
    std::vector<HostNode> nodes;
    std::vector<std::vector<int>> distances;  // SLIT values by NodeIndex; 10 is local
    // In the order of their nodes. Empty: each node is one pool, which every cell may use.
    std::vector<CpuPool> pools{};

    friend bool operator==(const Topology&, const Topology&) = default;
};

inline constexpr int local_distance = 10;

struct CellState {
    CellKey key;
    int vcpus = 0;
    // Of its vCPUs, run time and time spent waiting for a CPU; and its part of what serves the
    // guest.
    MilliCpu cpu_use = 0;
    Bytes size = 0;                // as configured; part of it may not be allocated yet
    std::vector<Bytes> residency;  // bytes per node, by NodeIndex
    // The residency with each byte weighted by its heat, from 0 (never accessed) to 1 (accessed in
    // every sample). All 0 where no heat is known.
    std::vector<Bytes> heat;
    Bytes huge_page = 0;  // page size of the pool that its memory is from; 0: ordinary memory
    bool movable = true;  // whether its memory can be moved
    // Nodes that its owner allows for its vCPUs, and whose memory node (memory_node()) it allows
    // for its memory.
    NodeSet allowed;
    std::optional<NodeIndex> confined_to;  // the node that all its vCPUs are pinned to, if any
    bool pinned = false;                   // whether vnumad has pinned any of its vCPUs
    // Indexes of Topology::pools that its owner lets its vCPUs use, sorted; empty: all.
    std::vector<std::size_t> cpu_pools{};
    // vCPUs that may run on several isolated CPUs and no others: the scheduler never spreads these.
    int unspread_vcpus = 0;

    friend bool operator==(const CellState&, const CellState&) = default;
};

// CPU use and memory accesses of each vCPU of a guest without vNUMA that fits no node: what its
// shards are derived from. vCPUs are identified by their index within the cell, not by their
// number.
struct WideUse {
    std::vector<MilliCpu> cpu_use;                      // by vCPU, as in CellState
    std::vector<std::optional<NodeIndex>> confined_to;  // node each vCPU is pinned to, if any
    // The access matrix, row by row: for each vCPU the accesses to each extent. Extents are runs of
    // chunks of equal size. The counts are decayed, and comparable only with each other.
    std::size_t extents = 0;
    std::vector<std::uint32_t> accesses;
    // Private memory: bytes per node of the chunks that one vCPU alone accessed in two successive
    // samples, by vCPU and NodeIndex.
    std::vector<std::vector<Bytes>> own;
    // Shared memory: bytes per node of the chunks that several vCPUs access, by extent and
    // NodeIndex.
    std::vector<std::vector<Bytes>> shared;

    std::size_t vcpus() const { return cpu_use.size(); }
    std::uint32_t at(std::size_t vcpu, std::size_t extent) const {
        return accesses[vcpu * extents + extent];
    }
    // Whether any access has been counted. The guest is not split before that.
    bool known() const;

    friend bool operator==(const WideUse&, const WideUse&) = default;
};

struct GuestState {
    std::string uuid;
    std::string name;
    std::string unsteady;  // why the guest must not be disturbed at present; empty: it may be
    std::vector<CellState> cells;
    std::optional<WideUse> wide{};  // of a guest without vNUMA that fits no node
    // SLIT distances between its cells as the guest sees them; empty: all equal.
    std::vector<std::vector<int>> distances{};
    std::vector<NodeIndex> devices{};  // node of each host device that is assigned to the guest
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

// Where memory of cells with their home on this node belongs: the node itself if it has memory, or
// else the nearest one that has. Of several that are as near, it is the one with the nearest index,
// since dies and sockets are numbered along.
NodeIndex memory_node(const Topology& topology, NodeIndex home);

// The part of a node's CPU capacity that further SMT siblings add.
MilliCpu sibling_part(const HostNode& node);

// Cores of a node that the cell's owner lets its vCPUs use. Threads that share a core are no reason
// to narrow a guest to a node while cores are idle elsewhere.
MilliCpu usable_cores(const Topology& topology, const CellState& cell, NodeIndex node);

// Memory of the cell that is allocated.
Bytes total_bytes(const CellState& cell);

// Memory of the cell once all of it is allocated.
Bytes full_bytes(const CellState& cell);

// Ordinary memory of the cell that is not allocated yet and is expected to be allocated on this
// node: all of it on the memory node of the node that its vCPUs are confined to, or else in
// proportion to the residency.
Bytes growth_at(const Topology& topology, const CellState& cell, NodeIndex node);

// Share of the cell's bytes that are on this node; 1000 for a cell without memory.
PerMille locality(const CellState& cell, NodeIndex node);

// Index in Snapshot::groups of the guest's group, if it has this arrangement.
std::optional<std::size_t> group_of(const GuestState& guest, const Snapshot& snapshot,
                                    Arrangement arrangement);

}  // namespace vnuma
