#include "src/control/queries/guests.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "guests/process/process.hpp"
#include "src/control/queries/cells.hpp"
#include "src/control/queries/view_policy.hpp"
#include "src/report/report.hpp"

namespace vnuma::control {
namespace {

std::vector<NodeBytes> memory_of(const Tick& tick, const std::vector<Bytes>& residency) {
    std::vector<NodeBytes> memory;
    for (std::size_t n = 0; n < residency.size(); ++n)
        if (residency[n] > 0) memory.push_back({node_id(tick, NodeIndex(n)), residency[n]});
    return memory;
}

CellSummary summarize_cell(const Tick& tick, const CellView& view) {
    CellSummary summary;
    summary.cell = view.sample->id;
    summary.shard = view.shard();
    for (const VcpuSample* vcpu : view.vcpus)
        summary.vcpus.push_back(vcpu->id);
    summary.locality = locality_of(tick, view);
    summary.reason = view.cell ? "" : "empty";
    if (view.verdict) {
        summary.reason = name(view.verdict->reason);
        if (const auto home = view.verdict->home_node()) summary.home = node_id(tick, *home);
        if (view.verdict->home) summary.to_move = view.verdict->home->to_move;
    }
    if (view.is_shard()) return summary;
    summary.size = view.sample->size;
    if (!view.cell) return summary;
    summary.cpu_use = view.cell->cpu_use;
    summary.memory = memory_of(tick, view.cell->residency);
    return summary;
}

// Where no cell uses a CPU, all cells with vCPUs count alike.
PerMille locality_of_all(const std::vector<CellSummary>& cells) {
    const auto mean = [&](auto weight_of) -> std::optional<PerMille> {
        PerMille sum = 0;
        MilliCpu weights = 0;
        for (const CellSummary& cell : cells) {
            if (cell.shard) continue;
            sum += cell.locality * weight_of(cell);
            weights += weight_of(cell);
        }
        return weights > 0 ? std::optional(sum / weights) : std::nullopt;
    };
    const auto by_use = mean([](const CellSummary& cell) { return cell.cpu_use; });
    if (by_use) return *by_use;
    return mean([](const CellSummary& cell) { return MilliCpu(cell.vcpus.empty() ? 0 : 1); })
        .value_or(1000);
}

Bytes moved_per_second(const Tick& tick, const std::string& uuid) {
    Bytes moved = 0;
    for (const ActionResult& result : tick.results)
        if (key_of(result.action).uuid == uuid) moved += result.bytes;
    const auto interval = tick.interval.count();
    return interval > 0 ? moved * 1000 / interval : 0;
}

}  // namespace

GuestSummary summarize_guest(const Tick& tick, std::size_t guest) {
    const GuestSample& sample = tick.sample().guests.at(guest);
    const GuestState& state = tick.snapshot.guests.at(guest);
    GuestSummary summary;
    summary.name = sample.name;
    summary.uuid = sample.uuid;
    summary.id = sample.id;
    if (sample.process) summary.pid = sample.process->pid();
    summary.source = sample.source;
    summary.state = name(sample.state);
    summary.mode = std::min(state.policy.mode, tick.mode);
    DoingAndWhy doing = find_doing(tick, guest);
    summary.doing = doing.doing;
    summary.why = std::move(doing.why);
    std::vector<Bytes> residency(tick.snapshot.topology.nodes.size());
    for (const CellView& view : cells_of(tick, guest)) {
        const CellSummary& cell = summary.cells.emplace_back(summarize_cell(tick, view));
        summary.to_move += cell.to_move;
        if (view.is_shard()) continue;
        summary.vcpus += static_cast<int>(view.vcpus.size());
        summary.cpu_use += cell.cpu_use;
        summary.size += cell.size;
        if (!view.cell) continue;
        for (std::size_t n = 0; n < std::min(residency.size(), view.cell->residency.size()); ++n)
            residency[n] += view.cell->residency[n];
    }
    summary.memory = memory_of(tick, residency);
    summary.locality = locality_of_all(summary.cells);
    summary.moved_per_second = moved_per_second(tick, sample.uuid);
    return summary;
}

std::vector<GuestSummary> summarize_guests(const Tick& tick) {
    std::vector<GuestSummary> summaries;
    const std::size_t count = tick.snapshot.guests.size();
    summaries.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        summaries.push_back(summarize_guest(tick, i));
    return summaries;
}

GuestDetails describe_guest(const Tick& tick, std::size_t guest) {
    return {summarize_guest(tick, guest), values_of_guest(tick, guest),
            report_one_guest(tick, guest)};
}

}  // namespace vnuma::control
