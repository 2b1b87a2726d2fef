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
std::string has_room_for(const Verdict& v) {
    return mebibytes(std::max<Bytes>(v.room, 0)) + " for " + mebibytes(v.wanted);
}

std::string lost(Cost cost) {
    return std::to_string(cost) + " ms of CPU";
}

std::string former(const Verdict& v, const Topology& topology) {
    return lost(v.cost) + ", " + node_name(topology, v.former_home) + " would have cost " +
           lost(v.former_cost);
}

// Why it is not on the other node that comes nearest.
std::string not_elsewhere(const Verdict& v, const Topology& topology) {
    if (v.alternative && v.alternative == v.former_home) return "";  // is said already
    const std::string other = node_name(topology, v.alternative);
    const std::string instead = lost(v.other_cost) + " instead of " + lost(v.cost);
    switch (v.lack) {
        case Lack::nothing:
            return "";
        case Lack::allowed:
            return "; no other node is allowed and large enough";
        case Lack::memory:
            return "; " + other + " has no room for its memory (" + has_room_for(v) + ")";
        case Lack::apart:
            return "; " + other + " has " + v.apart_from + ", which its group keeps apart from it";
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

std::string queue(const Verdict& v) {
    return v.queued_behind > 0 ? " after " + mebibytes(v.queued_behind) + " of others" : "";
}

std::string left_away(const Verdict& v) {
    return v.left_away > 0 ? ", " + mebibytes(v.left_away) +
                                 " elsewhere are not used enough to be brought there"
                           : "";
}

std::string how_large(const Verdict& v, const Topology& topology) {
    if (!v.alternative) return "";
    const std::string cpus = std::to_string(topology.nodes[*v.alternative].cpus);
    return " (" + std::to_string(v.cpus_wanted) + " vCPUs and " + mebibytes(v.wanted) + "; " +
           node_name(topology, v.alternative) + " has " + cpus + " CPUs and holds " +
           mebibytes(v.room) + ")";
}

std::string sentence(const Verdict& v, const Topology& topology) {
    const std::string home = node_name(topology, v.home);
    switch (v.reason) {
        case Reason::settled:
            return "at home on " + home + left_away(v) + not_elsewhere(v, topology);
        case Reason::settling:
            return "going home to " + home + ", " + mebibytes(v.to_move) + " still elsewhere" +
                   queue(v) + not_elsewhere(v, topology);
        case Reason::first_home:
            return "given " + home + " as its home, " + mebibytes(v.to_move) + " to move" +
                   queue(v) + not_elsewhere(v, topology);
        case Reason::better_home:
            return home + " will cost it " + former(v, topology) + not_elsewhere(v, topology);
        case Reason::made_way:
            return "makes way for others that gain more by it: " + home + " will cost it " +
                   former(v, topology) + not_elsewhere(v, topology);
        case Reason::relief:
            return "leaves " + node_name(topology, v.former_home) + ", which is " +
                   mebibytes(v.above_watermark) + " above its watermark: " + home +
                   " will cost it " + former(v, topology) + not_elsewhere(v, topology);
        case Reason::with_group:
            return "joins its group on " + home + ", " + mebibytes(v.to_move) + " to move" +
                   queue(v) + (v.former_home ? ": it will cost it " + former(v, topology) : "") +
                   not_elsewhere(v, topology);
        case Reason::displaced:
            return "leaves " + node_name(topology, v.former_home) + ", which " +
                   (v.detail.empty() ? "may not be its home any more" : v.detail) + ": " + home +
                   " will cost it " + former(v, topology) + not_elsewhere(v, topology);
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
                   (v.alternative ? ": " + node_name(topology, v.alternative) +
                                        " comes nearest, with " + has_room_for(v)
                                  : "");
        case Reason::kept_apart:
            return "left alone: every node it may use has a member of its group, which has to be "
                   "apart: " +
                   node_name(topology, v.alternative) + " has " + v.apart_from;
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
