// What the planner decides: actions as data, and a verdict with its reason for every cell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "policy/snapshot.hpp"
#include "policy/types.hpp"

namespace vnuma {

// CPU milliseconds lost over the planner's horizon.
using Cost = std::int64_t;

enum class Reason {
    settled,      // at home, nothing to do
    settling,     // has a home; vCPUs or memory are still on their way
    first_home,   // seen for the first time and given a home
    better_home,  // a new home that pays back
    margin,       // another home is better, but not by enough
    cool_down,    // moved too recently to be moved again
    unsteady,     // the guest must be left alone just now
    one_node,     // the host has no second node
    not_allowed,  // its owner allows no node that could be its home
    too_large,    // fits no allowed node as a whole
    no_room,      // would fit a node, but none has the memory left
    retry_later,  // has a home, but what was tried last failed
};

struct Verdict {
    CellKey key;
    Reason reason = Reason::settled;
    std::optional<NodeIndex> home;
    std::optional<NodeIndex> former_home;  // better_home
    std::optional<NodeIndex> alternative;  // margin, cool_down: the best other home
    Cost cost = 0;                         // of this cell at its home
    Cost other_cost = 0;                   // better_home: at the former; margin: of the alternative
    Bytes to_move = 0;
    std::string detail;  // unsteady: why
};

// Confine all vCPUs of a cell to the CPUs of a node, within what its owner allows.
struct PinCell {
    CellKey key;
    NodeIndex to;
};

// Give the vCPUs of a cell that can have no home back what their owner left them.
struct UnpinCell {
    CellKey key;
};

// Bring the cell's memory from all other nodes to this one.
struct MoveMemory {
    CellKey key;
    NodeIndex to;
    Bytes bytes = 0;
};

using Action = std::variant<PinCell, UnpinCell, MoveMemory>;

struct Plan {
    std::vector<Verdict> verdicts;  // one for every cell of the snapshot, ordered by key
    std::vector<Action> actions;    // pins first: memory touched from now on lands at home
};

const char* name(Reason reason);

// The reason as one sentence with its numbers, for people.
std::string explain(const Verdict& verdict, const Topology& topology);

}  // namespace vnuma
