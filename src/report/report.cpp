#include "src/report/report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"
#include "policy/verdict/explain.hpp"
#include "src/record/verdict_shape.hpp"
#include "src/report/report_guest.hpp"
#include "src/report/report_tracking.hpp"
#include "src/report/tick.hpp"

namespace vnuma {
namespace {

using nlohmann::json;

json node_number(const Topology& topology, std::optional<NodeIndex> node) {
    return node ? json(topology.nodes[*node].id) : json(nullptr);
}

std::vector<int> node_numbers(const Topology& topology, NodeSet set) {
    std::vector<int> numbers;
    for (std::size_t n = 0; n < topology.nodes.size(); ++n)
        if (set.contains(NodeIndex(n))) numbers.push_back(topology.nodes[n].id);
    return numbers;
}

json report_nodes(const Topology& topology) {
    json nodes = json::array();
    for (const HostNode& node : topology.nodes) {
        json pools = json::object();
        for (const auto& [page_bytes, available] : node.huge_available)
            pools[std::to_string(page_bytes)] = available;
        nodes.push_back({{"node", node.id},
                         {"cpus", node.cpus},
                         {"other_use_milli", node.other_use},
                         {"memory_bytes", node.memory_total},
                         {"available_bytes", node.memory_available},
                         {"huge_available_bytes", pools}});
    }
    return nodes;
}

json report_thread(const ThreadSample& thread, const Host& host) {
    return {{"thread", thread.thread},
            {"name", thread.name},
            {"cpu", thread.last_cpu},
            {"node", node_number(host.topology, host.node_of_cpu(thread.last_cpu))},
            {"run_ms", thread.run_ns / 1'000'000},
            {"wait_ms", thread.wait_ns / 1'000'000},
            {"affinity", format_number_list(thread.affinity)},
            {"cpuset", format_number_list(thread.cpuset)}};
}

json report_threads(const std::vector<ThreadSample>& threads, const Host& host) {
    json all = json::array();
    for (const ThreadSample& thread : threads)
        all.push_back(report_thread(thread, host));
    return all;
}

// Who has set the affinity of a vCPU. "other" is neither vnumad nor the domain's XML.
const char* affinity_from(const VcpuSample& vcpu, const std::vector<int>* vcpupin, bool pinned) {
    if (pinned) return "vnumad";
    if (vcpupin) return vcpu.affinity == *vcpupin ? "domain" : "other";
    return vcpu.affinity == vcpu.cpuset || vcpu.cpuset.empty() ? "domain" : "other";
}

json report_vcpus(const Tick& tick, const GuestSample& guest, const CellSample& cell,
                  const Host& host) {
    json vcpus = json::array();
    for (const VcpuSample& vcpu : cell.vcpus) {
        json value = report_thread(vcpu, host);
        const std::vector<int>* vcpupin = find_vcpupin(guest.domain.get(), vcpu.id);
        value.erase("name");
        value["vcpu"] = vcpu.id;
        value["vcpupin"] = vcpupin ? json(format_number_list(*vcpupin)) : json(nullptr);
        value["affinity_from"] = affinity_from(vcpu, vcpupin, tick.pinned.contains(vcpu.thread));
        vcpus.push_back(std::move(value));
    }
    return vcpus;
}

// Share of local accesses, if every vCPU accesses all memory of its cell alike.
double estimate_locality(const CellSample& sample, const CellState& cell, const Host& host) {
    if (sample.vcpus.empty()) return 0;
    PerMille sum = 0;
    for (const VcpuSample& vcpu : sample.vcpus)
        if (const auto node = host.node_of_cpu(vcpu.last_cpu)) sum += locality(cell, *node);
    return static_cast<double>(sum) / 1000 / static_cast<double>(sample.vcpus.size());
}

// The shape of a node in the report: the kernel's number.
struct NodeNumber {
    const Topology& topology;

    JsonOut write(NodeIndex node) const { return topology.nodes[node].id; }
};

// The verdict as it is recorded, but with the kernel's node numbers and an explanation. The key and
// the vCPUs are elsewhere in the report, and the explanation has the details.
json report_verdict(const Verdict& verdict, const Topology& topology) {
    json value = recorded::verdict_shape(NodeNumber{topology}).write(verdict);
    for (const char* field : {"key", "vcpus", "acts", "detail"})
        value.erase(field);
    value["explanation"] = explain(verdict, topology);
    value.emplace("home", nullptr);
    value.emplace("to_move_bytes", 0);
    if (verdict.home) value.emplace("lacks", name(Lack::allowed));
    return value;
}

json report_shard(const Verdict& verdict, const CellSample& cell, const Topology& topology) {
    json vcpus = json::array();
    for (const std::size_t vcpu : verdict.vcpus)
        vcpus.push_back(cell.vcpus.at(vcpu).id);
    return {{"shard", verdict.key.shard},
            {"vcpus", vcpus},
            {"verdict", report_verdict(verdict, topology)}};
}

json report_cell(const Tick& tick, const GuestSample& guest, const CellSample& sample,
                 const CellState& cell, const Host& host) {
    const Topology& topology = tick.snapshot.topology;
    json memory = json::object(), heat = json::object();
    for (std::size_t n = 0; n < topology.nodes.size(); ++n) {
        const std::string node = std::to_string(topology.nodes[n].id);
        memory[node] = cell.residency[n];
        heat[node] = cell.heat[n];
    }
    json value{{"cell", sample.id},
               {"size_bytes", sample.size},
               {"cpu_use_milli", cell.cpu_use},
               {"memory_bytes", memory},
               {"heat_bytes", heat},
               {"bound_to", format_number_list(sample.residency.bound_to)},
               {"allowed_nodes", format_number_list(node_numbers(topology, cell.allowed))},
               {"chunks", report_chunks(sample.chunks)},
               {"locality", estimate_locality(sample, cell, host)},
               {"map", guest.map_source},
               {"immovable", sample.immovable},
               {"blocks", report_blocks(sample.blocks)},
               {"vcpus", report_vcpus(tick, guest, sample, host)}};
    // Verdicts are ordered by key: that of the whole cell, then those of its shards.
    auto verdict =
        std::lower_bound(tick.plan.verdicts.begin(), tick.plan.verdicts.end(), cell.key,
                         [](const Verdict& v, const CellKey& key) { return v.key < key; });
    if (verdict == tick.plan.verdicts.end() || verdict->key != cell.key) return value;
    value["verdict"] = report_verdict(*verdict, topology);
    if (verdict->reason != Reason::split) return value;
    value["shards"] = json::array();
    for (++verdict; verdict != tick.plan.verdicts.end() && verdict->key.uuid == cell.key.uuid;
         ++verdict)
        value["shards"].push_back(report_shard(*verdict, sample, topology));
    return value;
}

// A cell that has no part in the snapshot, and so no verdict of the planner.
json report_empty_cell(const Tick& tick, const GuestSample& guest, const CellSample& sample,
                       const Host& host) {
    CellState nothing;
    nothing.key = {guest.uuid, sample.id};
    nothing.residency.resize(tick.snapshot.topology.nodes.size());
    nothing.heat = nothing.residency;
    json value = report_cell(tick, guest, sample, nothing, host);
    value["verdict"] = {
        {"reason", "empty"},
        {"explanation", "the cell has no home because it has neither vCPUs nor memory"},
        {"home", nullptr},
        {"to_move_bytes", 0}};
    return value;
}

json report_cells(const Tick& tick, const GuestSample& sample, const GuestState& state,
                  const Host& host) {
    json cells = json::array();
    for (const CellSample& cell : sample.cells) {
        const auto known = std::find_if(state.cells.begin(), state.cells.end(),
                                        [&](const auto& one) { return one.key.cell == cell.id; });
        cells.push_back(known == state.cells.end() ? report_empty_cell(tick, sample, cell, host)
                                                   : report_cell(tick, sample, cell, *known, host));
    }
    return cells;
}

json report_rivals(const std::vector<Rival>& rivals) {
    json all = json::array();
    for (const Rival& rival : rivals)
        all.push_back({{"name", rival.name},
                       {"presence", rival.presence},
                       {"handling", name(rival.handling)},
                       {"effect", rival.effect()}});
    return all;
}

json report_residency(const ResidencySource& residency, const Sample& sample) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    if (residency.time == std::chrono::steady_clock::time_point()) return nullptr;
    const auto age = duration_cast<milliseconds>(sample.time - residency.time).count();
    return {{"mode", residency.mode}, {"way", residency.way}, {"age_ms", std::max<long>(age, 0)}};
}

json report_moves(const Tick& tick, const std::string& uuid) {
    const auto known = tick.moves.find(uuid);
    const GuestMoves moves = known == tick.moves.end() ? GuestMoves() : known->second;
    return {{"slow_calls", moves.slow_calls},
            {"pace", name(moves.pace)},
            {"slowdown", moves.slowdown},
            {"pauses", moves.pauses},
            {"felt", moves.felt}};
}

json report_guest(const Tick& tick, std::size_t index, const Host& host) {
    const GuestSample& sample = tick.sample().guests[index];
    const GuestState& state = tick.snapshot.guests[index];
    json devices = json::array();
    for (const HostDevice& device : sample.devices)
        devices.push_back({{"address", device.address},
                           {"node", device.node ? json(*device.node) : json(nullptr)}});
    json value{{"uuid", sample.uuid},
               {"domain", sample.name},
               {"source", sample.source},
               {"certainty", certainty_of(sample)},
               {"state", name(sample.state)},
               {"pid", sample.process ? json(sample.process->pid()) : json(nullptr)},
               {"executable", sample.executable},
               {"unsteady", state.unsteady},
               {"problems", sample.problems},
               {"immovable", sample.immovable},
               {"pinned_bytes", sample.pinned_bytes},
               {"moves", report_moves(tick, sample.uuid)},
               {"memory_nodes", format_number_list(sample.memory_nodes)},
               {"residency", report_residency(sample.residency, tick.sample())},
               {"threads",
                {{"emulator", report_threads(sample.emulator, host)},
                 {"iothreads", report_threads(sample.iothreads, host)},
                 {"vhost", report_threads(sample.vhost, host)},
                 {"helpers", report_threads(sample.helpers, host)}}},
               {"devices", devices},
               {"policy", report_policy(state.policy)},
               {"tracking", report_tracking(sample.tracking, tick.sample().time)},
               {"cells", report_cells(tick, sample, state, host)}};
    if (const auto why = tick.hands_off.find(sample.uuid); why != tick.hands_off.end())
        value["hands_off"] = {{"cpus", why->second.cpus}, {"memory", why->second.memory}};
    if (const auto problem = tick.group_problems.find(sample.uuid);
        problem != tick.group_problems.end())
        value["group_problem"] = problem->second;
    if (sample.domain) {
        value["tuning"] = report_tuning(sample.domain->tuning);
        const auto& balloon = sample.domain->balloon_bytes;
        value["balloon_bytes"] = balloon ? json(*balloon) : json(nullptr);
    }
    return value;
}

json report_action(const Action& action, const Topology& topology) {
    const CellKey& key = key_of(action);
    json value{{"uuid", key.uuid}, {"cell", key.cell}};
    if (key.shard != CellKey::whole) value["shard"] = key.shard;
    if (const auto* pin = std::get_if<PinCell>(&action)) {
        value["action"] = "pin";
        value["to"] = node_number(topology, pin->to);
    } else if (const auto* move = std::get_if<MoveMemory>(&action)) {
        value["action"] = "move";
        value["to"] = node_number(topology, move->to);
        value["bytes"] = move->bytes;
    } else {
        value["action"] = "unpin";
    }
    return value;
}

json report_result(const ActionResult& result, const Topology& topology) {
    json value = report_action(result.action, topology);
    if (std::holds_alternative<MoveMemory>(result.action)) value["moved_bytes"] = result.bytes;
    if (!result.error.empty()) value["error"] = result.error;
    if (!result.skipped.empty()) value["skipped"] = result.skipped;
    if (!result.limits.empty()) value["limits"] = result.limits;
    return value;
}

// What would be done to guests that vnumad may not act on.
json report_advised(const Tick& tick) {
    json advised = json::array();
    const auto add = [&](const std::vector<Action>& actions) {
        for (const Action& action : actions)
            advised.push_back(report_action(action, tick.snapshot.topology));
    };
    if (tick.mode == Mode::advise) add(tick.plan.actions);
    if (tick.mode >= Mode::advise) add(tick.plan.advised);
    return advised;
}

}  // namespace

nlohmann::json report_one_guest(const Tick& tick, std::size_t index) {
    return report_guest(tick, index, tick.host);
}

nlohmann::json make_report(const Tick& tick) {
    json report{{"tick", tick.number}, {"time_ms", tick.time_ms}, {"mode", name(tick.mode)}};
    if (!tick.policy_problem.empty()) report["policy_problem"] = tick.policy_problem;
    if (!tick.frozen.empty()) report["frozen"] = tick.frozen;
    if (!tick.hands_off_problem.empty()) report["hands_off_problem"] = tick.hands_off_problem;
    if (!tick.blind.empty()) {
        report["blind"] = tick.blind;
        return report;
    }
    report["look_ms"] = tick.look_time.count();
    report["look_cpu_us"] = tick.sample().cpu_time.count();
    report["tracking"] = report_tracking(tick.sample());
    report["rivals"] = report_rivals(tick.rivals);
    if (!tick.list_problem.empty()) report["list_problem"] = tick.list_problem;
    report["unmatched_sections"] = tick.unmatched_sections;
    report["nodes"] = report_nodes(tick.snapshot.topology);
    json guests = json::array();
    for (std::size_t i = 0; i < tick.snapshot.guests.size(); ++i)
        guests.push_back(report_one_guest(tick, i));
    report["guests"] = guests;
    json results = json::array();
    for (const ActionResult& result : tick.results)
        results.push_back(report_result(result, tick.snapshot.topology));
    report["actions"] = results;
    report["advised"] = report_advised(tick);
    return report;
}

}  // namespace vnuma
