// Shapes of what the control socket tells of the host and of vnumad, as guests_shape.hpp has those
// of guests.
#pragma once

#include "src/control/protocol/guests_shape.hpp"
#include "src/control/protocol/status.hpp"

namespace vnuma::control {

void describe(auto& io, Of<HugePool> auto& pool) {
    auto& [page, available] = pool;
    io.type("HugePool");
    io.field("page_bytes", page, not_negative, "Size of the pool's pages.");
    io.field("available_bytes", available, not_negative, "Free pages of the pool, in bytes.");
}

void describe(auto& io, Of<NodeStatus> auto& status) {
    auto& [node, cpus, capacity, guest_use, other_use, memory, available, guest_memory, not_at_home,
           hot_remote, huge, distances] = status;
    io.type("NodeStatus");
    io.field("node", node, kernel_number, "Number of the node.");
    io.field("cpus", cpus, Text(), "Online CPUs of the node, as a list: `0-3,8`.");
    io.field("capacity_milli", capacity, not_negative,
             "What its cores and their hardware threads can do, in thousandths of a CPU.");
    io.field("guest_use_milli", guest_use, not_negative,
             "Thousandths of a CPU that guests use on it.");
    io.field("other_use_milli", other_use, not_negative,
             "Thousandths of a CPU that others than guests use on it.");
    io.field("memory_bytes", memory, not_negative, "Memory without pools of huge pages.");
    io.field("available_bytes", available, not_negative,
             "Free memory and clean page cache that is not in use, without pools of huge pages.");
    io.field("guest_memory_bytes", guest_memory, not_negative,
             "Memory of guests that is resident on it.");
    io.field("not_at_home_bytes", not_at_home, not_negative,
             "Memory of guests on it whose vCPUs have another home node.");
    io.field("hot_remote_bytes", hot_remote, not_negative,
             "Memory of guests on it, weighted by heat, whose vCPUs have another home node.");
    io.field("huge", huge, list_of(described), "Pools of huge pages.");
    io.field("distances", distances, list_of(kernel_number),
             "Distances to each node, in the order of the nodes.");
}

void describe(auto& io, Of<GuestCounts> auto& counts) {
    auto& [all, at_home, moving, waiting, roaming, left_alone] = counts;
    io.type("GuestCounts");
    io.field("all", all, kernel_number, "All guests.");
    io.field("at_home", at_home, kernel_number, "Guests that are at home.");
    io.field("moving", moving, kernel_number,
             "Guests whose memory moves or whose vCPUs are being pinned.");
    io.field("waiting", waiting, kernel_number, "Guests without a home, or whose move waits.");
    io.field("roaming", roaming, kernel_number, "Guests that cost less without a home.");
    io.field("left_alone", left_alone, kernel_number,
             "Guests that are unsteady, left alone, only observed, or off.");
}

void describe(auto& io, Of<RivalStatus> auto& rival) {
    auto& [name, presence, handling, effect] = rival;
    io.type("RivalStatus");
    io.field("name", name, Text(), "Its key in section `[coexist]` of the configuration.");
    io.field("presence", presence, Text(), "How it shows, in words.");
    io.field("handling", handling, Text(), "`share`, `yield` or `refuse`, as configured.");
    io.field("effect", effect, Text(), "What vnumad does because of it, in words.");
}

void describe(auto& io, Of<Status> auto& status) {
    auto& [version, pid, uptime_ms, mode, source, tick, time_ms, interval_ms, frozen, blind,
           trouble, rivals, guests, nodes, not_at_home] = status;
    io.type("Status");
    io.field("version", version, Text(), "Version of vnumad.");
    io.field("pid", pid, kernel_number, "Process of vnumad.");
    io.field("uptime_ms", uptime_ms, not_negative, "Time since vnumad started.");
    io.field("mode", mode, word_of(modes), "Mode of vnumad as configured.");
    io.field("source", source, Text(),
             "What vnumad asks for guests, as configured: `auto`, `libvirt`, `qmp` or `proc`.");
    io.field("tick", tick, not_negative, "Number of the last tick since the start.");
    io.field("time_ms", time_ms, not_negative,
             "Wall-clock time of the last tick, in milliseconds since 1970.");
    io.field("interval_ms", interval_ms, not_negative, "Time between two ticks.");
    io.maybe("frozen", frozen, Text(),
             "Why nothing is done. It is missing where vnumad takes actions.");
    io.maybe("blind", blind, Text(),
             "Why nothing could be seen in the last tick. `guests` and `nodes` are empty then.");
    io.field("trouble", trouble, list_of(Text()), "Everything else that is wrong, as sentences.");
    io.field("rivals", rivals, list_of(described), "Other balancers on this host.");
    io.field("guests", guests, described, "Numbers of guests by what is done with them.");
    io.field("nodes", nodes, list_of(described), "Nodes of the host.");
    io.field("not_at_home", not_at_home, list_of(described),
             "Guests that are neither at home nor roaming.");
}

}  // namespace vnuma::control
