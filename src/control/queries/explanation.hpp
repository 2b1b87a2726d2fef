// The parts of an explanation, for explain_guest.cpp. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "policy/resolve_policy.hpp"
#include "src/control/queries/cells.hpp"

namespace vnuma::control {

using Sentences = std::vector<std::string>;

// The guest that is explained. Holds references into the tick.
struct Subject {
    const Tick& tick;
    std::size_t index = 0;
    const GuestSample& sample;
    const GuestState& state;
    TracedPolicy traced;
    std::string command_name;  // what commands call it
    std::size_t cells = 0;     // with its empty ones, without shards

    // "node 4": the kernel's number.
    std::string node(NodeIndex index) const;
    // "the guest" if it has one cell, "the cell" or "the shard".
    std::string what(const CellView& view) const;
    // "`vnumactl policy set web1 SETTINGS`"
    std::string policy_command(const std::string& settings) const;
    // Null if its CPUs and its memory are not left alone.
    const HandsOff* hands_off() const;
    // Whether an operator has ordered its homes, once.
    bool is_ordered() const;
    bool acts() const;  // by the modes of vnumad and of its policy
};

// explain_place.cpp
std::string where_it_is(const Subject& subject, const CellView& view);
std::string where_it_should_be(const Subject& subject, const CellView& view);

// explain_verdict.cpp
std::string why_there(const Subject& subject, const CellView& view);

// explain_elsewhere.cpp
// Why the owner, the policy or the host rules a node out for the cell, whatever else is there.
enum class Bar {
    no_cpus,       // the node has none
    home,          // the policy, or an order, fixes another home
    nodes,         // the policy does not list it
    cpuset,        // the cpuset does not allow memory there
    binding,       // the memory is bound to other nodes
    hands_off,     // somebody has pinned the vCPUs to another node
    vcpus,         // the owner does not let the vCPUs run there
    few_cpus,      // fewer CPUs than vCPUs
    little_memory  // less memory than the cell has
};
std::optional<Bar> bar_of(const Subject& subject, const CellView& view, NodeIndex node);
// A sentence for each node that is not the home.
Sentences why_not_elsewhere(const Subject& subject, const CellView& view);

// explain_obstacles.cpp
Sentences find_obstacles(const Subject& subject, const CellView& view);

// explain_advice.cpp
Sentences advise(const Subject& subject, const CellView& view);
Sentences advise_for_all(const Subject& subject);

// explain_state.cpp
Sentences describe_state(const Subject& subject);

}  // namespace vnuma::control
