#include "src/report/report_tracking.hpp"

#include <algorithm>

namespace vnuma {
namespace {

using nlohmann::json;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

json report_writes(const std::optional<WriteRate>& writes) {
    if (!writes) return nullptr;
    json by_vcpu = json::object();
    for (const auto& [vcpu, rate] : writes->by_vcpu)
        by_vcpu[std::to_string(vcpu)] = rate;
    return {{"mib_per_s", writes->all}, {"by_vcpu", by_vcpu}};
}

json report_heat(const HeatState& heat, std::chrono::steady_clock::time_point now) {
    const auto age = duration_cast<milliseconds>(now - heat.last).count();
    return {{"tracker", heat.tracker},
            {"reads", heat.ability.reads},
            {"writes", heat.ability.writes},
            {"told_apart", heat.ability.told_apart},
            {"per_chunk", heat.ability.per_chunk},
            {"per_vcpu", heat.ability.per_vcpu},
            {"cost", heat.ability.cost},
            {"trouble", heat.trouble},
            {"waits_for", heat.waits_for},
            {"scans", heat.scans},
            {"age_ms", heat.scans > 0 ? json(std::max<long>(age, 0)) : json(nullptr)},
            {"period_ms", heat.period.count()},
            {"agreement", static_cast<double>(heat.agreement) / 1000},
            {"written", report_writes(heat.writes)}};
}

json report_attribution(const AttributionState& state) {
    return {{"waits_for", state.waits_for},
            {"dropped", state.dropped},
            {"wanted", state.wanted},
            {"trouble", state.trouble},
            {"rounds", state.rounds},
            {"faults", state.faults},
            {"period_ms", state.period.count()},
            {"estimate_us", state.estimate.count()},
            {"cost_us", state.cost.count()},
            {"stall_us", state.stall.count()},
            {"agreed", state.agreed},
            {"shared", state.shared}};
}

}  // namespace

json report_tracking(const Sample& sample) {
    return {{"trackers", sample.tracking.trackers},
            {"missing", sample.tracking.missing},
            {"dropped_faults", sample.tracking.dropped},
            {"cpu_us", sample.tracking_cpu_time.count()}};
}

json report_tracking(const TrackingSample& tracking, std::chrono::steady_clock::time_point now) {
    json value{{"heat", report_heat(tracking.heat, now)},
               {"attribution", report_attribution(tracking.attribution)},
               {"chunks",
                {{"all", tracking.chunks},
                 {"bytes", tracking.chunk_bytes},
                 {"hot", tracking.hot_chunks},
                 {"hot_from", tracking.hot_from}}},
               {"budget",
                {{"earned_us", duration_cast<microseconds>(tracking.earned).count()},
                 {"spent_us", duration_cast<microseconds>(tracking.spent).count()}}}};
    if (tracking.map.empty()) return value;
    json map = json::array();
    for (const ChunkUse& use : tracking.map)
        map.push_back({use.address, use.bytes, use.heat, use.accessor, use.writes});
    value["map"] = std::move(map);
    return value;
}

}  // namespace vnuma
