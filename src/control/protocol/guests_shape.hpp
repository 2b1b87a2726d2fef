// Shapes (src/json/fields.hpp) of what the control socket tells of guests, with the meaning of each
// field. Each struct is taken apart into all of its fields, so that a new field does not compile
// before it is described here. The unit of a number is in the name of its field. A field that is
// empty in the struct, and that only some guests have, is left out; lists are always there.
#pragma once

#include <concepts>
#include <type_traits>

#include "src/control/protocol/guests.hpp"
#include "src/json/fields.hpp"

namespace vnuma::control {

// A value of the type, which only a FieldReader may change.
template <typename Value, typename Type>
concept Of = std::same_as<std::remove_const_t<Value>, Type>;

inline constexpr Number not_negative{0};

void describe(auto& io, Of<NodeBytes> auto& entry) {
    auto& [node, bytes] = entry;
    io.type("NodeBytes");
    io.field("node", node, kernel_number, "Number of the node.");
    io.field("bytes", bytes, not_negative, "Bytes of memory on the node.");
}

void describe(auto& io, Of<CellSummary> auto& summary) {
    auto& [cell, shard, home, vcpus, reason, cpu_use, size, memory, locality, to_move] = summary;
    io.type("CellSummary");
    io.field("cell", cell, kernel_number, "Number of the cell in the guest.");
    io.maybe("shard", shard, kernel_number,
             "Number of the shard. Only shards of a cell that was split have one.");
    io.maybe("home", home, kernel_number, "Its home node. It is missing if there is no home.");
    io.field("vcpus", vcpus, list_of(kernel_number), "Numbers of its vCPUs.");
    io.field("reason", reason, Text(),
             "Name of the reason for its home, or for having none, as in docs/policy.md; `empty` "
             "for a cell with neither vCPUs nor memory.");
    io.field("cpu_use_milli", cpu_use, not_negative,
             "CPU use of the cell in thousandths of a CPU; 0 for a shard.");
    io.field("size_bytes", size, not_negative, "Memory of the cell as configured; 0 for a shard.");
    io.field("memory", memory, list_of(described),
             "Resident memory on each node that has any; empty for a shard.");
    io.field("locality_permille", locality, not_negative,
             "Share of its memory accesses that are local. It is the share of its resident bytes "
             "if no heat is known.");
    io.field("to_move_bytes", to_move, not_negative, "Memory that is yet to move to its home.");
}

void describe(auto& io, Of<GuestSummary> auto& guest) {
    auto& [name, uuid, id, pid, source, state, mode, doing, why, cells, vcpus, cpu_use, size,
           memory, locality, to_move, moved_per_second] = guest;
    io.type("GuestSummary");
    io.field("name", name, Text(), "Name of the guest.");
    io.field("uuid", uuid, Text(), "UUID of the guest.");
    io.maybe("id", id, kernel_number, "Number that libvirt has given to the running guest.");
    io.maybe("pid", pid, kernel_number, "Process of the guest.");
    io.field("source", source, Text(), "What told of the guest: `libvirt`, `qmp` or `proc`.");
    io.field("state", state, Text(), "State of the guest: `running`, `paused`, ...");
    io.field("mode", mode, word_of(modes), "Mode that is in force for the guest.");
    io.field("doing", doing, word_of(doings),
             "What is being done with the guest, or why nothing is.");
    io.maybe("why", why, Text(),
             "Why the guest is left alone, waits or pauses, in words. Only such guests have it.");
    io.field("cells", cells, list_of(described), "Cells of the guest, or shards of a split cell.");
    io.field("vcpus", vcpus, kernel_number, "Number of vCPUs.");
    io.field("cpu_use_milli", cpu_use, not_negative, "CPU use in thousandths of a CPU.");
    io.field("size_bytes", size, not_negative, "Memory of the guest as configured.");
    io.field("memory", memory, list_of(described),
             "Resident memory of all cells on each node that has any.");
    io.field("locality_permille", locality, not_negative,
             "Share of local memory accesses of all cells, weighted by their CPU use.");
    io.field("to_move_bytes", to_move, not_negative, "Memory that is yet to move home.");
    io.field("moved_bytes_per_second", moved_per_second, not_negative,
             "Memory that moved per second in the last tick.");
}

void describe(auto& io, Of<PolicyValue> auto& entry) {
    auto& [key, value, source, until_ms] = entry;
    io.type("PolicyValue");
    io.field("key", key, Text(), "Key of the policy, as in docs/guest-policy.md.");
    io.field("value", value, Text(),
             "The value as set-policy takes it. It is empty if the key has no value.");
    io.field("source", source, Text(),
             "Who has set it: `built-in`, `configuration`, `group NAME`, `metadata`, `run-time`, "
             "`run-time, defaults`, `run-time, group NAME`, `ceiling`, or what else limits it.");
    io.maybe("until_ms", until_ms, not_negative,
             "When a run-time value ends, in milliseconds since 1970. It is missing if the value "
             "does not end by itself.");
}

void describe(auto& io, Of<GuestDetails> auto& details) {
    auto& [summary, policy, report] = details;
    io.type("GuestDetails");
    io.field("summary", summary, described, "The guest as in query-guests.");
    io.field("policy", policy, list_of(described), "Each value of its policy, and who has set it.");
    io.field("report", report, Any(), "The guest as in a report (docs/report.md).");
}

void describe(auto& io, Of<HeatBlock> auto& block) {
    auto& [node, heat, accessor] = block;
    io.type("HeatBlock");
    io.maybe("node", node, kernel_number,
             "Node that has most of the block. It is missing if nothing is resident or known.");
    io.field("heat_permille", heat, not_negative, "Mean heat of the block.");
    io.field("accessor", accessor, Number{-2, std::numeric_limits<int>::max()},
             "vCPU that accesses most of the block; -1 if that is not known, -2 if several do.");
}

void describe(auto& io, Of<HeatMap> auto& map) {
    auto& [name, uuid, block_bytes, trouble, blocks] = map;
    io.type("HeatMap");
    io.field("name", name, Text(), "Name of the guest.");
    io.field("uuid", uuid, Text(), "UUID of the guest.");
    io.field("block_bytes", block_bytes, not_negative, "Size of each block.");
    io.maybe("trouble", trouble, Text(), "Why no heat is known. It is missing if heat is known.");
    io.field("blocks", blocks, list_of(described),
             "Equal parts of the guest's memory in the order of their addresses.");
}

void describe(auto& io, Of<CellExplanation> auto& cell_explanation) {
    auto& [cell, shard, where_it_is, where_it_should_be, why, elsewhere, in_the_way, could_change] =
        cell_explanation;
    io.type("CellExplanation");
    io.field("cell", cell, kernel_number, "Number of the cell in the guest.");
    io.maybe("shard", shard, kernel_number,
             "Number of the shard. Only shards of a cell that was split have one.");
    io.field("where_it_is", where_it_is, Text(), "Where its vCPUs and its memory are.");
    io.field("where_it_should_be", where_it_should_be, Text(), "Its home, or that it has none.");
    io.field("why", why, Text(), "Why it has this home, or none.");
    io.field("elsewhere", elsewhere, list_of(Text()), "Why each other node is not its home.");
    io.field("in_the_way", in_the_way, list_of(Text()), "What delays or prevents its move home.");
    io.field("could_change", could_change, list_of(Text()),
             "What the operator could change, with the command or the key.");
}

void describe(auto& io, Of<Explanation> auto& explanation) {
    auto& [name, uuid, guest, cells] = explanation;
    io.type("Explanation");
    io.field("name", name, Text(), "Name of the guest.");
    io.field("uuid", uuid, Text(), "UUID of the guest.");
    io.field("guest", guest, list_of(Text()),
             "Sentences that hold for the whole guest: its state, its policy, who left it alone.");
    io.field("cells", cells, list_of(described), "Sentences on each cell or shard.");
}

}  // namespace vnuma::control
