// What the planner decides: actions as data, and a verdict with its reason for every cell.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "policy/model/snapshot.hpp"
#include "policy/model/types.hpp"
#include "policy/model/verdict.hpp"

namespace vnuma {

// Confine all vCPUs of a cell, or of a shard of one, to the CPUs of a node, within what its owner
// allows.
struct PinCell {
    CellKey key;
    NodeIndex to;
    std::vector<std::size_t> vcpus{};  // of a shard, by their places among the cell's

    friend bool operator==(const PinCell&, const PinCell&) = default;
};

// Give the vCPUs of a cell, or of a shard of one, that can have no home back what their owner left
// them.
struct UnpinCell {
    CellKey key;
    std::vector<std::size_t> vcpus{};  // of a shard

    friend bool operator==(const UnpinCell&, const UnpinCell&) = default;
};

// Bring the cell's memory from all other nodes to this one: all of a cell's, of a shard what its
// vCPUs alone touch, and what several do in these groups (WideUse).
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
    std::vector<Action> actions;    // pins first: memory touched from now on lands at home
    // The same of guests whose mode is `advise`, if they were acted on; moves as if none waited.
    std::vector<Action> advised{};

    friend bool operator==(const Plan&, const Plan&) = default;
};

// What became of one action.
struct ActionResult {
    Action action;
    Bytes bytes = 0;        // brought home; 0 for pins
    std::string error;      // why it failed; empty when it did not
    std::string skipped{};  // why it was not tried; empty when it was
};

const CellKey& key_of(const Action& action);

}  // namespace vnuma
