// What an operator could change. Each sentence names the key or the command.
#include <string_view>

#include "policy/model/number_list.hpp"
#include "src/control/queries/explanation.hpp"

namespace vnuma::control {
namespace {

std::string in_configuration(const char* key) {
    return std::string(key) + " in vnumad's configuration";
}

// How to raise the mode or the memory policy, by whoever has set it.
std::string raise(const Subject& subject, const std::string& key, const std::string& value,
                  const std::string& origin) {
    const std::string setting = key + "=" + value;
    if (origin == "ceiling")
        return "To allow more for all guests, raise ceiling." + key +
               " in vnumad's configuration and restart vnumad.";
    if (origin.starts_with("coexist."))
        return "To have vnumad act all the same, end the other balancer, or set " + origin +
               " = \"share\" in vnumad's configuration and restart vnumad.";
    if (origin == "run-time policy")
        return "Mend or remove the file of the run-time policy, which cannot be used "
               "(run_time_policy in vnumad's configuration).";
    return "To let vnumad do more with this guest, use " + subject.policy_command(setting) + ".";
}

// The homes for `vnumactl move`, with this node for the cell; empty if other cells have none.
std::string homes_with(const Subject& subject, const CellView& view, NodeIndex node) {
    std::vector<int> homes;
    for (const CellView& other : cells_of(subject.tick, subject.index)) {
        if (other.is_shard()) return "";
        if (other.sample->id == view.sample->id)
            homes.push_back(node_id(subject.tick, node));
        else if (const auto home = other.verdict ? other.verdict->home_node() : std::nullopt)
            homes.push_back(node_id(subject.tick, *home));
        else
            return "";
    }
    return format_number_list(homes);
}

// Where it costs more, or gains too little, only `force` moves it.
void add_move(const Subject& subject, const CellView& view, NodeIndex node, Sentences& advice) {
    if (!subject.acts() || !subject.tick.frozen.empty() || subject.hands_off()) return;
    const std::string homes = homes_with(subject, view, node);
    if (!homes.empty())
        advice.push_back("To have it on " + subject.node(node) +
                         " all the same, use `vnumactl move " + subject.command_name + " " + homes +
                         " --force`.");
}

std::string advice_for(const Subject& subject, Bar bar, const std::string& node) {
    switch (bar) {
        case Bar::home:
            if (subject.is_ordered())
                return "The order ends once it is there, and the planner chooses again.";
            return "To let the planner choose, take the fixed home away: `vnumactl policy unset " +
                   subject.command_name +
                   " home` if it was set at run time, else the key home where it is set.";
        case Bar::cpuset:
            return "To allow " + node +
                   ", widen the cpuset of its process (cpuset.mems), or the nodeset of <numatune> "
                   "in the domain.";
        case Bar::binding:
            return "To allow " + node +
                   ", widen the nodeset of <numatune> in the domain, or set its mode to "
                   "\"preferred\".";
        case Bar::vcpus:
            return "To allow " + node +
                   ", widen <vcpupin> and the cpuset of <vcpu> in the domain, or the affinity or "
                   "the cpuset of its threads.";
        case Bar::nodes:      // see add_nodes()
        case Bar::hands_off:  // see advise_for_all()
        case Bar::no_cpus:
        case Bar::few_cpus:
        case Bar::little_memory:
            break;
    }
    return "";
}

// `ruled_out`: by the nodes of its policy.
void add_nodes(const Subject& subject, const std::vector<int>& ruled_out, Sentences& advice) {
    if (ruled_out.empty()) return;
    if (subject.traced.origins.nodes == "ceiling") {
        advice.emplace_back(
            "To allow more nodes for all guests, raise ceiling.nodes in vnumad's "
            "configuration and restart vnumad.");
        return;
    }
    std::vector<int> nodes = *subject.state.policy.nodes;
    nodes.insert(nodes.end(), ruled_out.begin(), ruled_out.end());
    advice.push_back(
        "To allow all nodes that its policy rules out, use " +
        subject.policy_command("nodes=" + format_number_list(sorted_unique(std::move(nodes)))) +
        ".");
}

void add_bars(const Subject& subject, const CellView& view, Sentences& advice) {
    std::vector<int> ruled_out;
    for (std::size_t n = 0; n < subject.tick.snapshot.topology.nodes.size(); ++n) {
        const auto bar = bar_of(subject, view, NodeIndex(n));
        if (!bar || view.verdict->home_node() == NodeIndex(n)) continue;
        if (*bar == Bar::nodes) ruled_out.push_back(node_id(subject.tick, NodeIndex(n)));
        advice.push_back(advice_for(subject, *bar, subject.node(NodeIndex(n))));
    }
    add_nodes(subject, ruled_out, advice);
}

std::string apart_advice(const Subject& subject) {
    return "To let members of its group share a node, use `vnumactl policy set --group " +
           subject.state.policy.group + " arrangement=none`.";
}

std::string room_advice(const std::string& where) {
    return "To make room on " + where +
           ", end or move a guest or program that uses memory there, or lower " +
           in_configuration("memory.watermark") + ".";
}

void add_for_lack(const Subject& subject, const CellView& view, Sentences& advice) {
    const Verdict& verdict = *view.verdict;
    if (!verdict.home || !verdict.alternative || verdict.reason == Reason::retry_later) return;
    const Alternative& there = *verdict.alternative;
    switch (there.lack) {
        case Lack::allowed:
            return;  // see add_bars()
        case Lack::memory:
            advice.push_back(room_advice(subject.node(there.node)));
            return;
        case Lack::apart:
            advice.push_back(apart_advice(subject));
            return;
        case Lack::cores:
            advice.emplace_back(
                "To fit the cores of one node, give the guest fewer vCPUs in the "
                "domain.");
            return;
        case Lack::cheaper:
            break;
        case Lack::margin:
            advice.push_back("To have it move for smaller gains, lower " +
                             in_configuration("planner.margin") + ".");
            break;
        case Lack::balance:
            advice.push_back("To have it move for smaller differences of load, lower " +
                             in_configuration("planner.imbalance") + ".");
            break;
        case Lack::cool_down:
            advice.push_back("To have homes change sooner, lower " +
                             in_configuration("planner.cool_down") + ".");
            break;
        case Lack::shards:
            advice.emplace_back("Nothing has to be done: the shards are compared again by then.");
            return;
        case Lack::changes:
            advice.push_back("To have homes change more often, raise " +
                             in_configuration("planner.changes_per_hour") + ".");
            break;
    }
    add_move(subject, view, there.node, advice);
}

void add_for_reason(const Subject& subject, const CellView& view, Sentences& advice) {
    const Verdict& verdict = *view.verdict;
    switch (verdict.reason) {
        case Reason::too_large:
            advice.emplace_back(
                "To make it fit, give the guest several NUMA cells, each no larger than a node "
                "(<numa> in <cpu> in the domain), or less memory and fewer vCPUs.");
            if (!verdict.detail.empty())
                advice.emplace_back(
                    "vnumad can place it in parts once it has counted which vCPU accesses what, "
                    "for which tracking.attribution must be \"auto\".");
            return;
        case Reason::no_room:
            advice.push_back(room_advice(verdict.alternative
                                             ? subject.node(verdict.alternative->node)
                                             : "a node that it may use"));
            return;
        case Reason::kept_apart:
            advice.push_back(apart_advice(subject));
            return;
        case Reason::retry_later:
            advice.push_back("To see the error, use `vnumactl explain " + subject.command_name +
                             " --since 1h`. vnumad tries again by itself.");
            return;
        case Reason::roams:
            if (verdict.alternative)
                advice.push_back("To give it a home all the same, use " +
                                 subject.policy_command(
                                     "home=" + std::to_string(node_id(subject.tick,
                                                                      verdict.alternative->node))) +
                                 ".");
            return;
        case Reason::split:
            advice.emplace_back(
                "Several NUMA cells in the guest (<numa> in <cpu> in the domain) would let its own "
                "kernel keep memory near to its vCPUs.");
            return;
        default:
            return;
    }
}

void add_for_memory(const Subject& subject, const CellView& view, Sentences& advice) {
    if (subject.state.policy.memory == MemoryPolicy::none)
        advice.push_back(raise(subject, "memory", "lazy", subject.traced.origins.memory));
    if (!view.guest->immovable.empty() || !view.sample->immovable.empty())
        advice.emplace_back(
            "Memory that cannot be moved goes to the right node only at the start of the guest: "
            "use "
            "`vnumactl place` and <numatune> in the domain.");
    const auto moves = subject.tick.moves.find(subject.sample.uuid);
    const bool is_felt = moves != subject.tick.moves.end() && !moves->second.felt.empty();
    if (view.verdict->home && view.verdict->home->to_move > 0 && is_felt)
        advice.push_back("To move its memory in spite of what it feels, raise " +
                         in_configuration("memory.felt") + "; to have it feel less, lower " +
                         "memory.guest_rate there.");
    const bool is_left_away = view.verdict->home && view.verdict->home->left_away > 0;
    if (is_left_away && subject.state.policy.memory == MemoryPolicy::lazy)
        advice.push_back("To move all of its memory home, also what it hardly accesses, use " +
                         subject.policy_command("memory=eager") + ".");
}

std::string end_of_state(const Subject& subject) {
    const GuestSample& sample = subject.sample;
    const bool is_libvirts = std::string_view(sample.source) == "libvirt";
    if (sample.state == RunState::paused && is_libvirts)
        return "To have it run and be balanced again, use `virsh resume " + subject.command_name +
               "`.";
    return "Nothing has to be done: vnumad goes on by itself once that is over.";
}

}  // namespace

Sentences advise(const Subject& subject, const CellView& view) {
    Sentences advice;
    if (!view.cell || !view.verdict) return advice;
    const Verdict& verdict = *view.verdict;
    const Reason reason = verdict.reason;
    if (reason == Reason::off || reason == Reason::unsteady || reason == Reason::one_node)
        return advice;
    add_for_reason(subject, view, advice);
    add_for_lack(subject, view, advice);
    add_bars(subject, view, advice);
    add_for_memory(subject, view, advice);
    if (verdict.unspread_vcpus > 0)
        advice.push_back("To use all isolated CPUs, pin each vCPU to one of them: `virsh vcpupin " +
                         subject.command_name + " VCPU CPU`, or <vcpupin> in the domain.");
    if (verdict.group_parted && !subject.state.policy.group.empty())
        advice.push_back(
            "To have its group on one node, take members out of it (`vnumactl policy "
            "set GUEST group=`), or give it more nodes.");
    return advice;
}

Sentences advise_for_all(const Subject& subject) {
    Sentences advice;
    const PolicyOrigins& origins = subject.traced.origins;
    if (subject.tick.mode < Mode::act)
        advice.emplace_back(
            "To have vnumad act on this host, set mode = \"act\" in its configuration "
            "and restart it.");
    if (!subject.tick.frozen.empty())
        advice.emplace_back("To have vnumad go on, use `vnumactl thaw`.");
    if (subject.state.policy.mode < Mode::act)
        advice.push_back(raise(subject, "mode", "act", origins.mode));
    const HandsOff* left = subject.hands_off();
    if (left)
        advice.push_back("To have vnumad balance it again, use `vnumactl thaw " +
                         subject.command_name + "`.");
    const std::string& unsteady = subject.state.unsteady;
    if (!unsteady.empty() && !(left && left->cpus == unsteady) &&
        subject.state.policy.mode != Mode::off)
        advice.push_back(end_of_state(subject));
    return advice;
}

}  // namespace vnuma::control
