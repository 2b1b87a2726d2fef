// What the planner decided for one cell or shard, and why.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/types.hpp"

namespace vnuma {

enum class Reason {
    settled,      // at home, nothing to do
    settling,     // not all of its vCPUs are pinned to its home, or not all of its memory is there
    first_home,   // new to the planner: gets its first home
    better_home,  // a new home where it costs less
    made_way,     // a new home where it costs more, because others gain more by that
    relief,       // a new home because the former one is above its memory watermark
    with_group,   // joins the one home of its group
    displaced,    // a new home because it may not, or not just now, keep the former one
    split,        // fits no node as a whole: its shards have verdicts of their own
    unsteady,     // no home for now: nothing may be done to the guest at this moment
    off,          // no home: the guest's policy is mode off
    one_node,     // no home: the host has one node
    not_allowed,  // no home: owner and policy allow no node that could be one
    too_large,    // no home: larger than any allowed node, and cannot be split
    no_room,      // no home: fits an allowed node, but none has enough memory left
    kept_apart,   // no home: each allowed node has a guest that its group keeps apart from it
    retry_later,  // has a home, but its last action failed and is not repeated yet
    roams,        // no home: costs less where its owner lets it run than at any home
};

inline constexpr std::array<std::pair<Reason, const char*>, 18> reasons{{
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
    {Reason::roams, "roams"},
}};

constexpr const char* name(Reason reason) {
    return reasons[static_cast<std::size_t>(reason)].second;
}

// Why the best other node is not the home.
enum class Lack {
    allowed,    // it is not allowed, or does not hold the cell
    memory,     // it has not enough memory left
    apart,      // it has a guest that the group keeps apart from this one
    cores,      // it has too few cores for the cell: hardware threads would share them
    cheaper,    // the cell would cost more there
    margin,     // it would cost less there, but not by the margin
    balance,    // it would cost less there only because of a load that differs too little
    cool_down,  // it would cost less there, but its guest or group got a new home recently
    shards,     // it would cost less there, but other shards may soon replace this one
    changes     // it would cost less there, but homes of its guest changed too often in an hour
};

inline constexpr std::array<std::pair<Lack, const char*>, 10> lacks{{
    {Lack::allowed, "allowed"},
    {Lack::memory, "memory"},
    {Lack::apart, "apart"},
    {Lack::cores, "cores"},
    {Lack::cheaper, "cheaper"},
    {Lack::margin, "margin"},
    {Lack::balance, "balance"},
    {Lack::cool_down, "cool-down"},
    {Lack::shards, "shards"},
    {Lack::changes, "changes-per-hour"},
}};

constexpr const char* name(Lack lack) {
    return lacks[static_cast<std::size_t>(lack)].second;
}

// The home that a cell or shard had before this plan.
struct FormerHome {
    NodeIndex node;
    Cost cost = 0;              // of keeping it
    Bytes above_watermark = 0;  // relief: memory in use on the node above its watermark

    friend bool operator==(const FormerHome&, const FormerHome&) = default;
};

struct Home {
    NodeIndex node;
    Cost cost = 0;  // of being there, with all other units where the plan puts them
    // Only a new home that is not the first has it: better_home (unless the cell roamed before),
    // made_way, relief, displaced, and with_group if the cell had another home.
    std::optional<FormerHome> former{};
    Bytes to_move = 0;        // memory on other nodes that is to come
    Bytes left_away = 0;      // memory on other nodes that stays: accessed too little to pay back
    Bytes queued_behind = 0;  // bytes of other moves that come first; 0: nothing is to move, or now
    // Where its memory belongs if the node has none.
    std::optional<NodeIndex> memory{};

    NodeIndex memory_node() const { return memory.value_or(node); }

    friend bool operator==(const Home&, const Home&) = default;
};

// What a node would have to hold, and what it can.
struct Shortage {
    Bytes wanted = 0;     // from the pool that lacks most, beyond what is counted there already
    Bytes room = 0;       // left for that; too_large: what the empty node holds
    int cpus_wanted = 0;  // too_large: vCPUs of the cell

    friend bool operator==(const Shortage&, const Shortage&) = default;
};

// The best node that is not the home; for a cell without one, the node that comes nearest to
// being its home.
struct Alternative {
    NodeIndex node;
    Lack lack = Lack::allowed;
    std::optional<Cost> cost{};          // of being there; none where the cell has no home
    std::optional<Shortage> shortage{};  // lack memory, and reason too_large
    std::string apart_from{};            // lack apart: name of the guest that is there

    friend bool operator==(const Alternative&, const Alternative&) = default;
};

struct Verdict {
    CellKey key;
    Reason reason = Reason::settled;
    bool acts = true;                  // the guest's policy lets vnumad act on it
    std::vector<std::size_t> vcpus{};  // of a shard: positions among the vCPUs of its cell
    std::optional<Home> home{};        // settled to displaced, and retry_later
    // With a home: none if no other node is allowed and large enough. Without: too_large, no_room,
    // kept_apart and roams, where there is a node to name.
    std::optional<Alternative> alternative{};
    // retry_later: until the action is repeated. roams: until the cell may have a home again. Else
    // for lack cool_down, shards and changes: until the home may change. 0 for all others.
    Millis wait = 0;
    bool group_parted = false;  // no node has room for all of its group, which belongs together
    // unsteady: what the guest is doing. displaced: what the former home did ("does not ...").
    // split: how. too_large: why it is not split. Empty for all others.
    std::string detail{};
    // roams: what that costs. better_home: what it would cost to go on roaming.
    std::optional<Cost> roaming_cost{};
    // vCPUs that may run on several isolated CPUs and no others. The scheduler does not spread
    // threads over these, so they may all run on one.
    int unspread_vcpus = 0;

    std::optional<NodeIndex> home_node() const {
        return home ? std::optional(home->node) : std::nullopt;
    }
    std::optional<NodeIndex> former_node() const {
        return home && home->former ? std::optional(home->former->node) : std::nullopt;
    }

    friend bool operator==(const Verdict&, const Verdict&) = default;
};

}  // namespace vnuma
