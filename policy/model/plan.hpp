// What the planner decides: actions as values, and a verdict with its reason for every cell.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "policy/model/snapshot.hpp"
#include "policy/model/types.hpp"
#include "policy/model/verdict.hpp"

namespace vnuma {

// Confines all vCPUs of a cell, or of a shard of it, to those CPUs of a node that the owner allows.
struct PinCell {
    CellKey key;
    NodeIndex to;
    std::vector<std::size_t> vcpus{};  // of a shard: indexes into the cell's vCPUs

    friend bool operator==(const PinCell&, const PinCell&) = default;
};

// Restores the affinity that the owner has set for the vCPUs of a cell, or of a shard of it.
struct UnpinCell {
    CellKey key;
    std::vector<std::size_t> vcpus{};  // of a shard

    friend bool operator==(const UnpinCell&, const UnpinCell&) = default;
};

// Moves memory from all other nodes to this one: all memory of a cell; or the private memory of a
// shard's vCPUs, and the shared memory of these extents (WideUse).
struct MoveMemory {
    CellKey key;
    NodeIndex to;
    Bytes bytes = 0;
    std::vector<std::size_t> vcpus{};    // of a shard
    std::vector<std::size_t> extents{};  // of a shard

    friend bool operator==(const MoveMemory&, const MoveMemory&) = default;
};

using Action = std::variant<PinCell, UnpinCell, MoveMemory>;

struct Plan {
    std::vector<Verdict> verdicts;  // for every cell and shard of the snapshot, ordered by key
    std::vector<Action> actions;    // pins first, so that new memory is allocated at the homes
    // The actions that mode `act` would take for guests in mode `advise`. None of these moves is
    // queued behind others.
    std::vector<Action> advised{};

    friend bool operator==(const Plan&, const Plan&) = default;
};

// What became of one action.
struct ActionResult {
    Action action;
    Bytes bytes = 0;                 // brought home; 0 for pins
    std::string error;               // why it failed; empty when it did not
    std::string skipped{};           // why it was not tried; empty when it was
    std::set<std::string> limits{};  // what a move had to wait for: "memory.rate", ...
    Bytes unclear = 0;               // moved or not: the kernel did not tell
};

const CellKey& key_of(const Action& action);

}  // namespace vnuma
