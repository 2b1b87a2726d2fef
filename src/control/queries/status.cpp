#include "src/control/queries/status.hpp"

#include <algorithm>
#include <string_view>

#include "policy/model/number_list.hpp"
#include "src/control/queries/cells.hpp"
#include "src/control/queries/guests.hpp"
#include "src/control/queries/words.hpp"
#include "src/report/trouble_log.hpp"

namespace vnuma::control {
namespace {

// The node is that of the last CPU. What serves the guest counts where its vCPUs are, since it is
// placed with them.
void add_cpu_use(const Tick& tick, const CellView& view, std::vector<NodeStatus>& nodes) {
    const auto& measured = tick.look->use.by_vcpu;
    std::vector<std::pair<NodeIndex, MilliCpu>> uses;
    MilliCpu rest = view.cell->cpu_use;
    for (const VcpuSample* vcpu : view.vcpus) {
        const auto known = measured.find(vcpu->thread);
        const MilliCpu use = known == measured.end() ? 0 : known->second / 1000;
        rest -= use;
        if (const auto node = tick.host.node_of_cpu(vcpu->last_cpu)) uses.emplace_back(*node, use);
    }
    const auto count = static_cast<MilliCpu>(uses.size());
    for (const auto& [node, use] : uses)
        nodes.at(node).guest_use += use + std::max<MilliCpu>(rest, 0) / count;
}

void add_memory(const Tick& tick, const CellView& view, std::vector<NodeStatus>& nodes) {
    const auto home = view.verdict ? view.verdict->home_node() : std::nullopt;
    for (std::size_t n = 0; n < nodes.size(); ++n) {
        const bool is_remote = home && memory_node(tick.snapshot.topology, *home) != NodeIndex(n);
        const Bytes here = n < view.cell->residency.size() ? view.cell->residency[n] : 0;
        nodes[n].guest_memory += here;
        if (is_remote) nodes[n].not_at_home += here;
        if (is_remote && n < view.cell->heat.size()) nodes[n].hot_remote += view.cell->heat[n];
    }
}

std::vector<NodeStatus> describe_nodes(const Tick& tick) {
    const Topology& topology = tick.snapshot.topology;
    std::vector<NodeStatus> nodes(topology.nodes.size());
    for (std::size_t n = 0; n < nodes.size(); ++n) {
        const HostNode& known = topology.nodes[n];
        NodeStatus& node = nodes[n];
        node.node = known.id;
        if (n < tick.host.cpus.size()) node.cpus = format_number_list(tick.host.cpus[n]);
        node.capacity = known.cpu_capacity;
        node.other_use = known.other_use;
        node.memory = known.memory_total;
        node.available = known.memory_available;
        for (const auto& [page, available] : known.huge_available)
            node.huge.push_back({page, available});
        if (n < topology.distances.size()) node.distances = topology.distances[n];
    }
    for (std::size_t guest = 0; guest < tick.snapshot.guests.size(); ++guest)
        for (const CellView& view : cells_of(tick, guest)) {
            if (!view.cell || view.is_shard()) continue;
            add_cpu_use(tick, view, nodes);
            add_memory(tick, view, nodes);
        }
    return nodes;
}

void count(Doing doing, GuestCounts& counts) {
    ++counts.all;
    switch (doing) {
        case Doing::moving:
            ++counts.moving;
            return;
        case Doing::waiting:
        case Doing::paused:
            ++counts.waiting;
            return;
        case Doing::unsteady:
        case Doing::hands_off:
        case Doing::observed:
        case Doing::off:
            ++counts.left_alone;
            return;
        case Doing::roaming:
            ++counts.roaming;
            return;
        case Doing::at_home:
            ++counts.at_home;
            return;
    }
}

void add_problems_of_guests(const Tick& tick, std::vector<std::string>& trouble) {
    std::size_t found = 0;
    const auto add = [&](const std::string& guest, const std::string& problem) {
        if (++found <= max_listed_problems)
            trouble.push_back("Guest " + guest + ": " + clause(problem) + ".");
    };
    for (const GuestState& guest : tick.snapshot.guests) {
        for (const std::string& problem : guest.policy.problems)
            add(guest.name, "a value of its policy is not in force as it is set: " + problem);
        const auto problem = tick.group_problems.find(guest.uuid);
        if (problem != tick.group_problems.end()) add(guest.name, problem->second);
    }
    if (found > max_listed_problems)
        trouble.push_back(sentence("there are " + std::to_string(found - max_listed_problems) +
                                   " more problems of guests, see vnumactl show GUEST"));
}

// Without what Status::blind and Status::frozen tell.
std::vector<std::string> describe_trouble(const Tick& tick, const ServerFacts& facts) {
    std::vector<std::string> trouble;
    for (const TroubleState& state : find_troubles(tick))
        if (!state.why.empty() && state.why != tick.blind && state.why != tick.frozen)
            trouble.push_back(sentence(std::string(state.wrong) + ": " + state.why));
    for (const std::string& section : tick.unmatched_sections)
        trouble.push_back(sentence("section " + section + " is that of no running guest"));
    if (tick.look) add_problems_of_guests(tick, trouble);
    for (const std::string& other : facts.trouble)
        trouble.push_back(sentence(other));
    return trouble;
}

}  // namespace

Status make_status(const Tick& tick, const ServerFacts& facts) {
    Status status;
    status.version = facts.version;
    status.pid = facts.pid;
    status.uptime_ms = facts.uptime_ms;
    status.source = facts.source;
    status.interval_ms = facts.interval_ms;
    status.mode = tick.mode;
    status.tick = tick.number;
    status.time_ms = tick.time_ms;
    status.frozen = tick.frozen;
    status.blind = tick.blind;
    if (!tick.look && tick.blind.empty()) status.blind = "vnumad has not looked at the guests yet";
    status.trouble = describe_trouble(tick, facts);
    for (const Rival& rival : tick.rivals)
        status.rivals.push_back({rival.name, rival.presence, name(rival.handling), rival.effect()});
    if (!tick.look) return status;
    for (std::size_t guest = 0; guest < tick.snapshot.guests.size(); ++guest) {
        const Doing doing = find_doing(tick, guest).doing;
        count(doing, status.guests);
        if (doing != Doing::at_home && doing != Doing::roaming)
            status.not_at_home.push_back(summarize_guest(tick, guest));
    }
    status.nodes = describe_nodes(tick);
    return status;
}

}  // namespace vnuma::control
