// Why a cell is on none of the other nodes.
#include <algorithm>

#include "policy/model/number_list.hpp"
#include "src/control/queries/explanation.hpp"
#include "src/control/queries/words.hpp"

namespace vnuma::control {
namespace {

bool has(const std::vector<int>& numbers, int number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// What the domain or QEMU binds the memory to, if that leaves the node out.
const NumaTune* binding_without(const CellView& view, int memory_node) {
    const auto leaves_out = [&](const NumaTune* tuning) {
        return tuning && tuning->binds() && !tuning->nodes.empty() &&
               !has(tuning->nodes, memory_node);
    };
    const NumaTune* tuning =
        view.guest->domain ? find_numatune(view.guest->domain->tuning, view.sample->id) : nullptr;
    if (leaves_out(tuning)) return tuning;
    for (const RamBlock& block : view.sample->blocks)
        if (block.numatune && leaves_out(&*block.numatune)) return &*block.numatune;
    return nullptr;
}

// The home that the policy fixes for the cell.
std::optional<int> fixed_home(const CellView& view) {
    const std::vector<int>& home = view.state->policy.home;
    if (home.size() == 1) return home.front();
    for (std::size_t i = 0; i < view.guest->cells.size() && i < home.size(); ++i)
        if (view.guest->cells[i].id == view.sample->id) return home[i];
    return std::nullopt;
}

std::optional<Bar> bar_of_owner(const Subject& subject, const CellView& view, NodeIndex node) {
    const Topology& topology = subject.tick.snapshot.topology;
    const int id = topology.nodes.at(node).id;
    const int memory_id = topology.nodes.at(memory_node(topology, node)).id;
    const GuestPolicy& policy = subject.state.policy;
    if (topology.nodes.at(node).cpus == 0 && !view.vcpus.empty()) return Bar::no_cpus;
    if (const auto home = fixed_home(view); home && *home != id) return Bar::home;
    if (policy.nodes && (!has(*policy.nodes, id) || !has(*policy.nodes, memory_id)))
        return Bar::nodes;
    if (!has(view.guest->memory_nodes, memory_id)) return Bar::cpuset;
    const std::vector<int>& bound = view.sample->residency.bound_to;
    if ((!bound.empty() && !has(bound, memory_id)) || binding_without(view, memory_id))
        return Bar::binding;
    const HandsOff* left = subject.hands_off();
    return left && !left->cpus.empty() && view.cell->confined_to ? Bar::hands_off : Bar::vcpus;
}

// Only what is certain: the planner also counts what is to be kept free of the node.
std::optional<Bar> bar_of_size(const Subject& subject, const CellView& view, NodeIndex node) {
    const Topology& topology = subject.tick.snapshot.topology;
    if (view.is_shard()) return std::nullopt;
    if (view.cell->vcpus > topology.nodes.at(node).cpus) return Bar::few_cpus;
    const HostNode& memory = topology.nodes.at(memory_node(topology, node));
    const bool is_too_small =
        view.cell->huge_page == 0 && full_bytes(*view.cell) > memory.memory_total;
    return is_too_small ? std::optional(Bar::little_memory) : std::nullopt;
}

std::string bound_nodes(const Subject& subject, const CellView& view, NodeIndex node) {
    const Topology& topology = subject.tick.snapshot.topology;
    const NumaTune* tuning =
        binding_without(view, topology.nodes.at(memory_node(topology, node)).id);
    return tuning ? nodes_text(tuning->nodes) + " (<numatune>, mode " + tuning->mode + ")"
                  : nodes_text(view.sample->residency.bound_to);
}

std::string barred(const Subject& subject, const CellView& view, NodeIndex node, Bar bar) {
    const std::string at = subject.node(node);
    const Topology& topology = subject.tick.snapshot.topology;
    const GuestPolicy& policy = subject.state.policy;
    switch (bar) {
        case Bar::no_cpus:
            return at + " has no CPUs that are online";
        case Bar::home:
            return at + " is ruled out because " +
                   (subject.is_ordered() ? "an operator has ordered another home"
                                         : "its policy fixes its home") +
                   ": home=" + format_number_list(policy.home);
        case Bar::nodes:
            return at + " is ruled out by its policy: nodes=" + format_number_list(*policy.nodes);
        case Bar::cpuset:
            return at + " is ruled out because its cpuset allows its memory on " +
                   nodes_text(view.guest->memory_nodes) + " only";
        case Bar::binding:
            return at + " is ruled out because its owner binds its memory to " +
                   bound_nodes(subject, view, node);
        case Bar::hands_off:
            return at + " is ruled out because somebody else has pinned its vCPUs to " +
                   subject.node(*view.cell->confined_to) + ", and their choice holds";
        case Bar::vcpus:
            return at +
                   " is ruled out because its owner does not let all of its vCPUs run there, "
                   "or on too few CPUs (<vcpupin>, cpuset or affinity)";
        case Bar::few_cpus:
            return at + " is too small: it has " + count_text(topology.nodes.at(node).cpus, "CPU") +
                   " for " + count_text(view.cell->vcpus, "vCPU");
        case Bar::little_memory:
            break;
    }
    const HostNode& memory = topology.nodes.at(memory_node(topology, node));
    return at + " is too small: it has " + size_text(memory.memory_total) + " of memory for " +
           size_text(full_bytes(*view.cell));
}

// Why the best other node is not the home.
std::string why_not_best(const Subject& subject, const CellView& view) {
    const Verdict& verdict = *view.verdict;
    const Alternative& there = *verdict.alternative;
    const std::string at = subject.node(there.node);
    const Shortage shortage = there.shortage.value_or(Shortage());
    std::string cost = at + " would cost it less";
    if (there.cost && verdict.home)
        cost = at + " would cost it " + cost_text(*there.cost, verdict.home->cost);
    const std::string wait = time_text(verdict.wait);
    switch (there.lack) {
        case Lack::allowed:
            return at + " is not allowed or not large enough";
        case Lack::memory:
            return at + " has no room: " + size_text(shortage.wanted) +
                   " of its memory would come, and the node has room for " +
                   size_text(shortage.room) + " (memory.watermark of it is kept free)";
        case Lack::apart:
            return at + " has " +
                   (there.apart_from.empty() ? "another guest" : "guest " + there.apart_from) +
                   ", which its group keeps apart from it";
        case Lack::cores:
            return at + " has fewer cores than it uses CPUs, so hardware threads would share cores";
        case Lack::cheaper:
            return (there.cost && verdict.home ? cost : at + " would cost it more");
        case Lack::margin:
            return cost + ", which is too little a gain to move for (planner.margin)";
        case Lack::balance:
            return cost +
                   ", but only because its CPUs are slightly less busy, which is no reason to "
                   "move (planner.imbalance)";
        case Lack::cool_down:
            return cost +
                   ", but its home or that of its group changed recently, so it stays for "
                   "another " +
                   wait + " (planner.cool_down)";
        case Lack::shards:
            return cost + ", but other shards may replace this one: that is checked in " + wait;
        case Lack::changes:
            break;
    }
    return cost +
           ", but homes of the guest or its group changed too often within an hour, so it "
           "stays for another " +
           wait + " (planner.changes_per_hour)";
}

std::string no_room(const Subject& subject, const CellView& view, NodeIndex node) {
    const Topology& topology = subject.tick.snapshot.topology;
    const HostNode& memory = topology.nodes.at(memory_node(topology, node));
    const std::string begin = subject.node(node) + " has no room for it: ";
    if (view.cell->huge_page == 0)
        return begin + size_text(memory.memory_available) +
               " is available there, and memory.watermark of the node is kept free";
    const auto pool = memory.huge_available.find(view.cell->huge_page);
    return begin + size_text(pool == memory.huge_available.end() ? 0 : pool->second) +
           " of its pool of huge pages is free";
}

// A node that is allowed and large enough, as far as is known, and not the best one.
std::string why_not_other(const Subject& subject, const CellView& view, NodeIndex node) {
    const Verdict& verdict = *view.verdict;
    const std::string at = subject.node(node);
    if (verdict.reason == Reason::retry_later) return at + " is not considered before that";
    if (verdict.reason == Reason::too_large) return at + " is not large enough";
    if (verdict.reason == Reason::kept_apart)
        return at + " has another guest of its group, or cannot take it";
    if (!verdict.alternative)
        return at + " is not large enough for it: memory.watermark of each node is kept free";
    const Lack lack = verdict.alternative->lack;
    if (verdict.reason == Reason::no_room || lack == Lack::memory)
        return no_room(subject, view, node);
    if (lack == Lack::apart || lack == Lack::cores) return at + " cannot take it";
    return at + " has no room, or costs it no less than " + subject.node(verdict.alternative->node);
}

bool is_planned(Reason reason) {
    return reason != Reason::off && reason != Reason::unsteady && reason != Reason::one_node &&
           reason != Reason::split;
}

}  // namespace

std::optional<Bar> bar_of(const Subject& subject, const CellView& view, NodeIndex node) {
    return view.cell->allowed.contains(node) ? bar_of_size(subject, view, node)
                                             : bar_of_owner(subject, view, node);
}

Sentences why_not_elsewhere(const Subject& subject, const CellView& view) {
    if (!view.cell || !view.verdict || !is_planned(view.verdict->reason)) return {};
    const Verdict& verdict = *view.verdict;
    Sentences sentences;
    for (std::size_t n = 0; n < subject.tick.snapshot.topology.nodes.size(); ++n) {
        const NodeIndex node(n);
        if (verdict.home_node() == node) continue;
        const bool is_best = verdict.alternative && verdict.alternative->node == node &&
                             verdict.reason != Reason::too_large &&
                             verdict.reason != Reason::roams &&
                             verdict.reason != Reason::retry_later;
        const auto bar = bar_of(subject, view, node);
        if (bar)
            sentences.push_back(sentence(barred(subject, view, node, *bar)));
        else if (is_best)
            sentences.push_back(sentence(why_not_best(subject, view)));
        else if (verdict.reason != Reason::roams || !verdict.alternative ||
                 verdict.alternative->node != node)
            sentences.push_back(sentence(why_not_other(subject, view, node)));
    }
    return sentences;
}

}  // namespace vnuma::control
