#include "policy/plan.hpp"

namespace vnuma {
namespace {

std::string node_name(const Topology& topology, std::optional<NodeIndex> node) {
    return node ? "node " + std::to_string(topology.nodes[*node].id) : "no node";
}

std::string mebibytes(Bytes bytes) {
    return std::to_string(bytes / mib) + " MiB";
}

std::string lost(Cost cost) {
    return std::to_string(cost) + " ms of CPU";
}

}  // namespace

const char* name(Reason reason) {
    switch (reason) {
        case Reason::settled:
            return "settled";
        case Reason::settling:
            return "settling";
        case Reason::first_home:
            return "first-home";
        case Reason::better_home:
            return "better-home";
        case Reason::margin:
            return "margin";
        case Reason::cool_down:
            return "cool-down";
        case Reason::unsteady:
            return "unsteady";
        case Reason::one_node:
            return "one-node";
        case Reason::not_allowed:
            return "not-allowed";
        case Reason::too_large:
            return "too-large";
        case Reason::retry_later:
            return "retry-later";
        case Reason::no_room:
            return "no-room";
    }
    return "unknown";
}

std::string explain(const Verdict& v, const Topology& topology) {
    const std::string home = node_name(topology, v.home);
    const std::string other = node_name(topology, v.alternative);
    switch (v.reason) {
        case Reason::settled:
            return "at home on " + home;
        case Reason::settling:
            return "going home to " + home + ", " + mebibytes(v.to_move) + " still elsewhere";
        case Reason::first_home:
            return "given " + home + " as its home, " + mebibytes(v.to_move) + " to move";
        case Reason::better_home:
            return home + " will cost it " + lost(v.cost) + ", " +
                   node_name(topology, v.former_home) + " would have cost " + lost(v.other_cost);
        case Reason::margin:
            return "stays on " + home + ": " + other + " would gain too little (" +
                   lost(v.other_cost) + " instead of " + lost(v.cost) + ")";
        case Reason::cool_down:
            return "stays on " + home + ": " + other + " is better, but it moved recently";
        case Reason::unsteady:
            return "left alone: " + v.detail;
        case Reason::one_node:
            return "left alone: this host has one NUMA node";
        case Reason::not_allowed:
            return "left alone: its owner allows it no node as a home";
        case Reason::too_large:
            return "left alone: larger than any node it may use";
        case Reason::retry_later:
            return "has " + home + " as its home, but what was tried failed; tried again later";
        case Reason::no_room:
            return "left alone: no node it may use has room for its memory";
    }
    return "";
}

}  // namespace vnuma
