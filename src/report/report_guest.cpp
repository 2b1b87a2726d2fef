#include "src/report/report_guest.hpp"

#include <string_view>

#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

using nlohmann::json;

template <typename Value>
json or_null(const std::optional<Value>& value) {
    return value ? json(*value) : json(nullptr);
}

json report_numatune(const NumaTune& numatune) {
    return {{"mode", numatune.mode}, {"nodes", format_number_list(numatune.nodes)}};
}

json report_pins(const std::map<int, std::vector<int>>& pins) {
    json all = json::object();
    for (const auto& [id, cpus] : pins)
        all[std::to_string(id)] = format_number_list(cpus);
    return all;
}

}  // namespace

std::string certainty_of(const GuestSample& guest) {
    if (!guest.certainty.empty()) return guest.certainty;
    return std::string_view(guest.source) == "libvirt"
               ? "vCPU threads by their names; the rest from libvirt"
               : "all from QEMU's monitor";
}

json report_blocks(const std::vector<RamBlock>& blocks) {
    json all = json::array();
    for (const RamBlock& block : blocks) {
        json ranges = json::array();
        for (const GuestRange& range : block.guest)
            ranges.push_back({{"start", range.start}, {"bytes", range.bytes}});
        all.push_back(
            {{"id", block.id},
             {"device", block.device},
             {"backing", block.backing},
             {"policy", block.numatune ? report_numatune(*block.numatune) : json(nullptr)},
             {"guest_physical", ranges},
             {"host_virtual", block.host.start},
             {"bytes", block.host.size},
             {"page_bytes", block.page_bytes},
             {"shared", block.shared},
             {"hugetlb", block.hugetlb}});
    }
    return all;
}

json report_chunks(const std::optional<ChunkCounts>& chunks) {
    if (!chunks) return nullptr;
    return {{"all", chunks->all}, {"exact", chunks->exact}, {"split", chunks->split}};
}

json report_tuning(const DomainTuning& tuning) {
    json cells = json::object();
    for (const auto& [cell, numatune] : tuning.cell_nodes)
        cells[std::to_string(cell)] = report_numatune(numatune);
    json value{{"placement", tuning.placement},
               {"numatune", tuning.numatune ? report_numatune(*tuning.numatune) : json(nullptr)},
               {"cell_nodes", cells},
               {"vcpupin", report_pins(tuning.vcpupin)},
               {"iothreadpin", report_pins(tuning.iothreadpin)},
               {"emulatorpin", nullptr},
               {"cputune", nullptr}};
    if (tuning.emulatorpin) value["emulatorpin"] = format_number_list(*tuning.emulatorpin);
    if (const auto& tune = tuning.cputune)
        value["cputune"] = {{"shares", or_null(tune->shares)},
                            {"period_us", or_null(tune->period_us)},
                            {"quota_us", or_null(tune->quota_us)}};
    return value;
}

json report_policy(const GuestPolicy& policy) {
    return {{"mode", name(policy.mode)},
            {"memory", name(policy.memory)},
            {"priority", policy.priority},
            {"group", policy.group},
            {"nodes", policy.nodes ? json(format_number_list(*policy.nodes)) : json(nullptr)},
            {"home", policy.home},
            {"problems", policy.problems}};
}

}  // namespace vnuma
