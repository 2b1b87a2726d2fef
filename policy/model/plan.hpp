// What the planner decides: actions as data, and a verdict with its reason for every cell.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "policy/model/snapshot.hpp"
#include "policy/model/types.hpp"

namespace vnuma {

enum class Reason {
    settled,      // at home, nothing to do
    settling,     // has a home; vCPUs or memory are still on their way
    first_home,   // seen for the first time and given a home
    better_home,  // a new home that pays back
    made_way,     // a new home that costs more, for others that gain more by it
    relief,       // a new home, since the former is short of memory
    with_group,   // joins its group, which has one home
    displaced,    // a new home, since the former may not be its home any more, or not just now
    split,        // fits no node as a whole: placed in shards, each with a verdict of its own
    unsteady,     // the guest must be left alone just now
    off,          // its policy is that it is not planned
    one_node,     // the host has no second node
    not_allowed,  // its owner allows no node that could be its home
    too_large,    // fits no allowed node as a whole, and is not split
    no_room,      // would fit a node, but none has the memory left
    kept_apart,   // every node it could use has a member of its group that it has to be apart from
    retry_later,  // has a home, but what was tried last failed
};

inline constexpr std::array<std::pair<Reason, const char*>, 17> reasons{{
    {Reason::settled, "settled"},
    {Reason::settling, "settling"},
    {Reason::first_home, "first-home"},
    {Reason::better_home, "better-home"},
    {Reason::made_way, "made-way"},
    {Reason::relief, "relief"},
    {Reason::with_group, "with-group"},
    {Reason::displaced, "displaced"},
    {Reason::split, "split"},
    {Reason::unsteady, "unsteady"},
    {Reason::off, "off"},
    {Reason::one_node, "one-node"},
    {Reason::not_allowed, "not-allowed"},
    {Reason::too_large, "too-large"},
    {Reason::no_room, "no-room"},
    {Reason::kept_apart, "kept-apart"},
    {Reason::retry_later, "retry-later"},
}};

constexpr const char* name(Reason reason) {
    return reasons[static_cast<std::size_t>(reason)].second;
}

// What the best other node lacks.
enum class Lack {
    nothing,    // there is no other node
    allowed,    // it may not be used, or does not hold the cell
    memory,     // room
    apart,      // it has a member of a group that this one has to be apart from
    cheaper,    // it would cost more
    margin,     // it would cost less, but not by enough
    balance,    // it would cost less only for its lower load, which differs too little
    cool_down,  // it would cost less, but the cell has moved recently
    shards      // it would cost less, but others might soon replace this shard
};

inline constexpr std::array<std::pair<Lack, const char*>, 9> lacks{{
    {Lack::nothing, "nothing"},
    {Lack::allowed, "allowed"},
    {Lack::memory, "memory"},
    {Lack::apart, "apart"},
    {Lack::cheaper, "cheaper"},
    {Lack::margin, "margin"},
    {Lack::balance, "balance"},
    {Lack::cool_down, "cool-down"},
    {Lack::shards, "shards"},
}};

constexpr const char* name(Lack lack) {
    return lacks[static_cast<std::size_t>(lack)].second;
}

struct Verdict {
    CellKey key;
    Reason reason = Reason::settled;
    bool acts = true;  // its policy lets vnumad act on it
    std::optional<NodeIndex> home{};
    std::optional<NodeIndex> former_home{};  // of a new one
    // The other node that comes nearest, what it would cost there, and what it lacks; for one that
    // has no home the node that comes nearest to being one.
    std::optional<NodeIndex> alternative{};
    Lack lack = Lack::nothing;
    Cost cost = 0;         // at its home
    Cost former_cost = 0;  // at the former home
    Cost other_cost = 0;   // at the alternative
    Bytes to_move = 0;
    Bytes left_away = 0;        // memory that stays elsewhere: it is not used enough
    Bytes queued_behind = 0;    // of others, moved before this one's; 0: it is its turn
    Bytes above_watermark = 0;  // the former home, of relief
    // Where the alternative lacks memory: what it would have to hold, and what it has left for
    // that; of its pool, where the memory is from one.
    Bytes wanted = 0, room = 0;
    int cpus_wanted = 0;               // too_large
    Millis wait = 0;                   // until its cool-down is over, or what failed is tried again
    bool group_parted = false;         // its group has one home, but no node has room for all of it
    std::vector<std::size_t> vcpus{};  // of a shard
    std::string apart_from{};          // the guest that the alternative has, where it lacks `apart`
    std::string detail{};              // unsteady, displaced, split, too_large: more of why

    friend bool operator==(const Verdict&, const Verdict&) = default;
};

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
