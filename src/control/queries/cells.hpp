// The cells and shards of a guest, with all that a tick has of each. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/report/tick.hpp"

namespace vnuma::control {

// A cell, or a shard of a cell that was split. Points into the tick.
struct CellView {
    const GuestSample* guest = nullptr;
    const GuestState* state = nullptr;
    const CellSample* sample = nullptr;
    const CellState* cell = nullptr;   // null for an empty cell: it takes no part in the plan
    const Verdict* verdict = nullptr;  // null without one
    std::vector<const VcpuSample*> vcpus{};
    std::vector<std::size_t> positions{};  // of these vCPUs among those of the cell

    bool is_shard() const { return verdict && verdict->key.shard != CellKey::whole; }
    std::optional<int> shard() const {
        return is_shard() ? std::optional(verdict->key.shard) : std::nullopt;
    }
};

// In the order of the guest's cells, each with its shards behind it. The tick must not be blind.
std::vector<CellView> cells_of(const Tick& tick, std::size_t guest);

int node_id(const Tick& tick, NodeIndex node);
std::vector<int> node_ids(const Tick& tick, NodeSet nodes);

// Which nodes the vCPUs ran on last, by the kernel's number; without those of which it is unknown.
std::map<int, std::vector<int>> vcpus_by_node(const Tick& tick, const CellView& view);

// Whether it is known how much the cell's memory is accessed.
bool is_heat_known(const CellView& view);

// Share of the accesses that are local: by the memory that each vCPU alone accesses for a shard, by
// heat where it is known, else by bytes; as if every vCPU stays where it ran last. 1000 where there
// is no access, or no memory.
PerMille locality_of(const Tick& tick, const CellView& view);

// What became of the actions of this cell or shard in the tick; null if there was none.
struct CellResults {
    const ActionResult* pin = nullptr;  // also one that gives vCPUs back
    const ActionResult* move = nullptr;
};
CellResults results_of(const Tick& tick, const CellKey& key);

// How the guest is named in commands: by its name, or by its UUID if another one has that name.
std::string command_name(const Tick& tick, std::size_t guest);

}  // namespace vnuma::control
