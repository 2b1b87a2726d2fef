#include "policy/verdict/explain.hpp"

#include <algorithm>

namespace vnuma {
namespace {

std::string node_name(const Topology& topology, std::optional<NodeIndex> node) {
    return node ? "node " + std::to_string(topology.nodes[*node].id) : "no node";
}

std::string mebibytes(Bytes bytes) {
    return std::to_string(bytes / mib) + " MiB";
}

std::string seconds(Millis time) {
    return std::to_string(time / 1000 + (time % 1000 > 0 ? 1 : 0)) + " s";
}

// Where it does not fit, as far as the alternative goes.
std::string has_room_for(const Shortage& shortage) {
    return mebibytes(std::max<Bytes>(shortage.room, 0)) + " for " + mebibytes(shortage.wanted);
}

std::string lost(Cost cost) {
    return std::to_string(cost) + " ms of CPU";
}

std::optional<NodeIndex> former_node(const Home& home) {
    return home.former ? std::optional(home.former->node) : std::nullopt;
}

std::string former(const Home& home, const Topology& topology) {
    return lost(home.cost) + ", " + node_name(topology, former_node(home)) + " would have cost " +
           lost(home.former ? home.former->cost : 0);
}

// Why it is not on the other node that comes nearest.
std::string not_elsewhere(const Verdict& v, const Home& home, const Topology& topology) {
    if (!v.alternative) return "; no other node is allowed and large enough";
    const Alternative& there = *v.alternative;
    if (there.node == former_node(home)) return "";  // is said already
    const std::string other = node_name(topology, there.node);
    const std::string instead = lost(there.cost.value_or(0)) + " instead of " + lost(home.cost);
    switch (there.lack) {
        case Lack::allowed:
            return "; no other node is allowed and large enough";
        case Lack::memory:
            return "; " + other + " has no room for its memory (" +
                   has_room_for(there.shortage.value_or(Shortage())) + ")";
        case Lack::apart:
            return "; " + other + " has " + there.apart_from +
                   ", which its group keeps apart from it";
        case Lack::cheaper:
            return "; " + other + " would cost " + instead;
        case Lack::margin:
            return "; " + other + " would gain too little (" + instead + ")";
        case Lack::balance:
            return "; " + other + " has a little less load, which is no reason to move (" +
                   instead + ")";
        case Lack::cool_down:
            return "; " + other + " is better (" + instead +
                   "), but its guest or group moved recently (" + seconds(v.wait) + " to wait)";
        case Lack::shards:
            return "; " + other + " is better (" + instead +
                   "), but it is looked at first whether other shards are better (" +
                   seconds(v.wait) + " to wait)";
    }
    return "";
}

std::string queue(const Home& home) {
    return home.queued_behind > 0 ? " after " + mebibytes(home.queued_behind) + " of others" : "";
}

std::string left_away(const Home& home) {
    return home.left_away > 0 ? ", " + mebibytes(home.left_away) +
                                    " elsewhere are not used enough to be brought there"
                              : "";
}

std::string how_large(const Verdict& v, const Topology& topology) {
    if (!v.alternative || !v.alternative->shortage) return "";
    const Shortage& shortage = *v.alternative->shortage;
    const std::string cpus = std::to_string(topology.nodes[v.alternative->node].cpus);
    return " (" + std::to_string(shortage.cpus_wanted) + " vCPUs and " +
           mebibytes(shortage.wanted) + "; " + node_name(topology, v.alternative->node) + " has " +
           cpus + " CPUs and holds " + mebibytes(shortage.room) + ")";
}

std::string sentence(const Verdict& v, const Topology& topology) {
    const Home at = v.home.value_or(Home());
    const std::string home = node_name(topology, v.home_node());
    const std::string former_home = node_name(topology, former_node(at));
    switch (v.reason) {
        case Reason::settled:
            return "at home on " + home + left_away(at) + not_elsewhere(v, at, topology);
        case Reason::settling:
            return "going home to " + home + ", " + mebibytes(at.to_move) + " still elsewhere" +
                   queue(at) + not_elsewhere(v, at, topology);
        case Reason::first_home:
            return "given " + home + " as its home, " + mebibytes(at.to_move) + " to move" +
                   queue(at) + not_elsewhere(v, at, topology);
        case Reason::better_home:
            return home + " will cost it " + former(at, topology) + not_elsewhere(v, at, topology);
        case Reason::made_way:
            return "makes way for others that gain more by it: " + home + " will cost it " +
                   former(at, topology) + not_elsewhere(v, at, topology);
        case Reason::relief:
            return "leaves " + former_home + ", which is " +
                   mebibytes(at.former ? at.former->above_watermark : 0) +
                   " above its watermark: " + home + " will cost it " + former(at, topology) +
                   not_elsewhere(v, at, topology);
        case Reason::with_group:
            return "joins its group on " + home + ", " + mebibytes(at.to_move) + " to move" +
                   queue(at) + (at.former ? ": it will cost it " + former(at, topology) : "") +
                   not_elsewhere(v, at, topology);
        case Reason::displaced:
            return "leaves " + former_home + ", which " +
                   (v.detail.empty() ? "may not be its home any more" : v.detail) + ": " + home +
                   " will cost it " + former(at, topology) + not_elsewhere(v, at, topology);
        case Reason::split:
            return "fits no node as a whole, placed in shards: " + v.detail;
        case Reason::unsteady:
            return "left alone: " + v.detail;
        case Reason::off:
            return "left alone: its policy is mode off";
        case Reason::one_node:
            return "left alone: this host has one NUMA node";
        case Reason::not_allowed:
            return "left alone: its owner and its policy allow it no node as a home";
        case Reason::too_large:
            return "left alone: larger than any node it may use" + how_large(v, topology) +
                   (v.detail.empty() ? "" : ", and " + v.detail);
        case Reason::no_room:
            return "left alone: no node it may use has room for its memory" +
                   (v.alternative ? ": " + node_name(topology, v.alternative->node) +
                                        " comes nearest, with " +
                                        has_room_for(v.alternative->shortage.value_or(Shortage()))
                                  : "");
        case Reason::kept_apart:
            return "left alone: every node it may use has a member of its group, which has to be "
                   "apart: " +
                   (v.alternative ? node_name(topology, v.alternative->node) + " has " +
                                        v.alternative->apart_from
                                  : "none");
        case Reason::retry_later:
            return "has " + home + " as its home, but what was tried failed; tried again in " +
                   seconds(v.wait);
    }
    return "";
}

}  // namespace

std::string explain(const Verdict& v, const Topology& topology) {
    return sentence(v, topology) +
           (v.group_parted ? "; its group belongs together, but no node has room for all of it"
                           : "") +
           (v.acts ? "" : " (only said, not done: its policy's mode)");
}

}  // namespace vnuma
