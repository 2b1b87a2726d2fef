// Shapes of events and of the history, as guests_shape.hpp has those of guests.
#pragma once

#include "src/control/protocol/events.hpp"
#include "src/control/protocol/guests_shape.hpp"

namespace vnuma::control {

// The data of an event. QMP has its kind and time beside the data.
void describe_event_data(auto& io, Of<Happening> auto& happening) {
    auto& [kind, time_ms, guest, uuid, cell, shard, from, to, bytes, text] = happening;
    io.maybe("guest", guest, Text(), "Name of the guest. It is missing if it is about no guest.");
    io.maybe("uuid", uuid, Text(), "UUID of the guest.");
    io.maybe("cell", cell, kernel_number, "Number of the cell in the guest.");
    io.maybe("shard", shard, kernel_number, "Number of the shard of a cell that was split.");
    io.maybe("from", from, kernel_number, "Number of the node that is left.");
    io.maybe("to", to, kernel_number, "Number of the node that is gone to.");
    io.maybe("bytes", bytes, not_negative, "Bytes that are to move, or that have moved.");
    io.field("text", text, Text(),
             "What happened, as a sentence without the guest's name and a full stop.");
}

void describe(auto& io, Of<Happening> auto& happening) {
    io.type("Happening");
    io.field("event", happening.kind, word_of(event_kinds), "Name of the event.");
    io.field("time_ms", happening.time_ms, not_negative,
             "When it happened, in milliseconds since 1970.");
    describe_event_data(io, happening);
}

void describe(auto& io, Of<CellMinute> auto& minute) {
    auto& [time_ms, guest, uuid, cell, home, cpu_use, locality, memory, moved] = minute;
    io.type("CellMinute");
    io.field("time_ms", time_ms, not_negative, "Begin of the minute, in milliseconds since 1970.");
    io.field("guest", guest, Text(), "Name of the guest.");
    io.field("uuid", uuid, Text(), "UUID of the guest.");
    io.field("cell", cell, kernel_number, "Number of the cell in the guest.");
    io.maybe("home", home, kernel_number, "Its home node. It is missing if there is no home.");
    io.field("cpu_use_milli", cpu_use, not_negative,
             "Mean CPU use in the minute, in thousandths of a CPU.");
    io.field("locality_permille", locality, not_negative,
             "Share of its memory accesses that are local, at the end of the minute.");
    io.field("memory", memory, list_of(described),
             "Resident memory on each node that has any, at the end of the minute.");
    io.field("moved_bytes", moved, not_negative, "Memory that moved in the minute.");
}

void describe(auto& io, Of<NodeMinute> auto& minute) {
    auto& [time_ms, node, capacity, guest_use, other_use, memory, available] = minute;
    io.type("NodeMinute");
    io.field("time_ms", time_ms, not_negative, "Begin of the minute, in milliseconds since 1970.");
    io.field("node", node, kernel_number, "Number of the node.");
    io.field("capacity_milli", capacity, not_negative,
             "What its cores and their hardware threads can do, in thousandths of a CPU.");
    io.field("guest_use_milli", guest_use, not_negative,
             "Thousandths of a CPU that guests use on it.");
    io.field("other_use_milli", other_use, not_negative,
             "Thousandths of a CPU that others than guests use on it.");
    io.field("memory_bytes", memory, not_negative, "Memory without pools of huge pages.");
    io.field("available_bytes", available, not_negative,
             "Free memory and clean page cache that is not in use.");
}

void describe(auto& io, Of<PastEvents> auto& past) {
    auto& [events, problem] = past;
    io.type("PastEvents");
    io.field("events", events, list_of(described), "What happened, the oldest first.");
    io.maybe("problem", problem, Text(), "Why some are missing. It is missing if none are.");
}

void describe(auto& io, Of<HistoryPage> auto& page) {
    auto& [cells, nodes, events, next_ms, problem] = page;
    io.type("HistoryPage");
    io.field("cells", cells, list_of(described), "One entry for each minute of each cell.");
    io.field("nodes", nodes, list_of(described), "One entry for each minute of each node.");
    io.field("events", events, list_of(described), "What happened.");
    io.maybe("next_ms", next_ms, not_negative,
             "Begin of the next page, for `since_ms` of the next request. It is missing on the "
             "last page.");
    io.maybe("problem", problem, Text(),
             "Why older entries are missing. It is missing if none are.");
}

}  // namespace vnuma::control
