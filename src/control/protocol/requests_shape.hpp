// Shapes of arguments and of replies that are not about guests, as guests_shape.hpp has those of
// guests. An argument that has a default may be left out.
#pragma once

#include "src/control/protocol/guests_shape.hpp"
#include "src/control/protocol/requests.hpp"

namespace vnuma::control {

// Limits of arguments, which exceed every host and guest. The commands have narrower ones.
inline constexpr int max_requested_blocks = 4096;
inline constexpr int max_requested_entries = 10'000;       // of each kind
inline constexpr std::size_t max_requested_settings = 64;  // of one set-policy or unset-policy
inline constexpr std::size_t max_requested_nodes = 1024;
inline constexpr int max_requested_vcpus = 4096;
inline constexpr Bytes max_requested_memory = Bytes{1} << 52;  // 4 PiB
inline constexpr Millis max_requested_duration = Millis{1} << 53;

inline constexpr Number some_duration{0, max_requested_duration};

void describe(auto& io, Of<GuestArgument> auto& argument) {
    auto& [guest] = argument;
    io.type("GuestArgument");
    io.field("guest", guest, Text(),
             "The guest: its name, libvirt's number, its UUID in any spelling, or its pid.");
}

void describe(auto& io, Of<HeatMapArguments> auto& arguments) {
    auto& [guest, blocks] = arguments;
    io.type("HeatMapArguments");
    io.field("guest", guest, Text(), "The guest, as in query-guest.");
    io.unless(HeatMapArguments().blocks, "blocks", blocks, Number{1, max_requested_blocks},
              "Number of blocks at most.");
}

void describe(auto& io, Of<SinceArguments> auto& arguments) {
    auto& [since_ms, guest, limit] = arguments;
    io.type("SinceArguments");
    io.unless(SinceArguments().since_ms, "since_ms", since_ms, some_duration,
              "Begin of what is asked for, in milliseconds since 1970.");
    io.maybe("guest", guest, Text(),
             "The guest, as in query-guest. Without it, the reply has all guests and the host.");
    io.unless(SinceArguments().limit, "limit", limit, Number{1, max_requested_entries},
              "Number of entries of each kind at most.");
}

// The arguments of a command that changes a policy have these fields among their own.
void describe_target(auto& io, Of<PolicyTarget> auto& target) {
    auto& [guest, cgroup, group] = target;
    io.maybe("guest", guest, Text(), "A guest as in query-guest, or a pattern of names.");
    io.maybe("cgroup", cgroup, Text(), "Path of a control group, or a pattern of paths.");
    io.maybe("group", group, Text(), "Name of a group of guests.");
    io.check("cgroup", !cgroup || !guest, "cannot be given together with guest");
    io.check("group", !group || (!guest && !cgroup),
             "cannot be given together with guest or cgroup");
}

void describe(auto& io, Of<PolicyTarget> auto& target) {
    io.type("PolicyTarget");
    describe_target(io, target);
}

void describe(auto& io, Of<PolicyView> auto& view) {
    auto& [target, values, run_time, problems] = view;
    io.type("PolicyView");
    io.field(
        "target", target, Text(),
        "What the policy belongs to: `guest NAME`, `cgroup PATH`, `group NAME` or `defaults`.");
    io.field("values", values, list_of(described), "Values in force.");
    io.field("run_time", run_time, list_of(described), "Values that were set at run time.");
    io.field("problems", problems, list_of(Text()),
             "Settings that are impossible or contradict others, as sentences.");
}

void describe(auto& io, Of<Setting> auto& setting) {
    auto& [key, value] = setting;
    io.type("Setting");
    io.field("key", key, Text(), "Key of the policy, as in docs/guest-policy.md.");
    io.field("value", value, Text(), "The value as a string: `observe`, `0-1`, `10`.");
}

void describe(auto& io, Of<SetPolicyArguments> auto& arguments) {
    auto& [target, settings, for_ms, absent] = arguments;
    io.type("SetPolicyArguments");
    describe_target(io, target);
    io.field("settings", settings, list_between(described, 1, max_requested_settings),
             "What is set.");
    io.maybe("for_ms", for_ms, Number{1, max_requested_duration},
             "How long the settings hold. Without it, they hold until they are unset.");
    io.unless(false, "absent", absent, Flag(),
              "Whether the guest need not run: the settings hold once it does.");
}

void describe(auto& io, Of<UnsetPolicyArguments> auto& arguments) {
    auto& [target, keys] = arguments;
    io.type("UnsetPolicyArguments");
    describe_target(io, target);
    io.maybe("keys", keys, list_between(Text(), 0, max_requested_settings),
             "Keys that are unset. Without it, all are.");
}

void describe(auto& io, Of<GroupMember> auto& member) {
    auto& [name, uuid, homes] = member;
    io.type("GroupMember");
    io.field("name", name, Text(), "Name of the guest.");
    io.field("uuid", uuid, Text(), "UUID of the guest.");
    io.field("homes", homes, list_of(kernel_number), "Home nodes of its cells, each once.");
}

void describe(auto& io, Of<GroupView> auto& group) {
    auto& [name, arrangement, members, problems] = group;
    io.type("GroupView");
    io.field("name", name, Text(), "Name of the group.");
    io.field("arrangement", arrangement, Text(), "`none`, `together` or `apart`.");
    io.field("members", members, list_of(described), "Guests that are in the group.");
    io.field("problems", problems, list_of(Text()), "Why the group is not as it should be.");
}

void describe(auto& io, Of<MoveArguments> auto& arguments) {
    auto& [guest, home, force] = arguments;
    io.type("MoveArguments");
    io.field("guest", guest, Text(), "The guest, as in query-guest.");
    io.field("home", home, list_between(kernel_number, 1, max_requested_nodes),
             "A home node for each cell by its number, or one for all cells.");
    io.unless(false, "force", force, Flag(), "Whether to move although it costs more there.");
}

void describe(auto& io, Of<MoveReply> auto& reply) {
    auto& [accepted, opinion] = reply;
    io.type("MoveReply");
    io.field("accepted", accepted, Flag(), "Whether the guest is given the home.");
    io.field("opinion", opinion, Text(),
             "What the planner thinks of it: the costs there and here, and what is in the way.");
}

void describe(auto& io, Of<GuestOrAll> auto& arguments) {
    auto& [guest] = arguments;
    io.type("GuestOrAll");
    io.maybe("guest", guest, Text(),
             "The guest, as in query-guest. Without it, vnumad as a whole.");
}

void describe(auto& io, Of<Done> auto& done) {
    auto& [what] = done;
    io.type("Done");
    io.field("what", what, Text(), "What was done, as a sentence.");
}

void describe(auto& io, Of<PlaceArguments> auto& arguments) {
    auto& [vcpus, memory, cells, near, nodes, huge_page, reserve, name] = arguments;
    io.type("PlaceArguments");
    io.field("vcpus", vcpus, Number{1, max_requested_vcpus}, "Number of vCPUs.");
    io.field("memory_bytes", memory, Number{1, max_requested_memory},
             "Size of the guest's memory.");
    io.unless(1, "cells", cells, Number{1, static_cast<std::int64_t>(max_host_nodes)},
              "Number of cells of equal size.");
    io.maybe("near", near, Text(),
             "Device that the guest uses: a PCI address, a network interface or a block device.");
    io.maybe("nodes", nodes, list_between(kernel_number, 1, max_requested_nodes),
             "Nodes that are allowed. Without it, all are.");
    io.unless(Bytes{0}, "huge_page_bytes", huge_page, Number{0, max_requested_memory},
              "Size of the huge pages that the guest is to have; 0 for ordinary pages.");
    io.unless(Millis{0}, "reserve_ms", reserve, some_duration,
              "How long to keep the room for the guest; 0 reserves nothing.");
    io.maybe("name", name, Text(), "Name of the guest that will come, if it is known.");
}

void describe(auto& io, Of<PlaceMove> auto& move) {
    auto& [guest, uuid, cell, from, to, bytes] = move;
    io.type("PlaceMove");
    io.field("guest", guest, Text(), "Name of the guest.");
    io.field("uuid", uuid, Text(), "UUID of the guest.");
    io.field("cell", cell, kernel_number, "Number of the cell in the guest.");
    io.field("from", from, kernel_number, "Number of the node that it would leave.");
    io.field("to", to, kernel_number, "Number of the node that it would go to.");
    io.field("bytes", bytes, not_negative, "Memory that would move.");
}

void describe(auto& io, Of<PlaceReply> auto& reply) {
    auto& [has_room, nodes, cpus, moves, why] = reply;
    io.type("PlaceReply");
    io.field("has_room", has_room, Flag(), "Whether the guest fits as the host is now.");
    io.field("nodes", nodes, list_of(kernel_number),
             "A node for each cell. It is empty if the guest fits nowhere.");
    io.field("cpus", cpus, list_of(Text()), "CPUs for each cell, as lists: `0-3,8`.");
    io.field("moves", moves, list_of(described), "What would have to move to make room.");
    io.field("why", why, Text(), "Why there, or why nowhere, as a sentence.");
}

void describe(auto& io, Of<EventsArguments> auto& arguments) {
    auto& [events, records] = arguments;
    io.type("EventsArguments");
    io.unless(true, "events", events, Flag(), "Whether this client is sent events.");
    io.unless(false, "records", records, Flag(),
              "Whether this client is sent each plan, as event PLAN.");
}

}  // namespace vnuma::control
