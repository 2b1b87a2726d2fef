#include "qmp/statistics.hpp"

#include <utility>

#include "qmp/json_fields.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;

constexpr std::int64_t max_calc_time_s = 1'000'000;

std::optional<std::vector<std::uint64_t>> read_counter(const json& value) {
    if (value.is_array()) return read_list<std::uint64_t>(value, read_as);
    if (value.is_boolean()) return std::vector<std::uint64_t>{value.get<bool>() ? 1U : 0U};
    const auto scalar = read_as<std::uint64_t>(value);
    return scalar ? std::optional(std::vector<std::uint64_t>{*scalar}) : std::nullopt;
}

std::optional<Stats> read_stats(const json& value) {
    Fields fields(value);
    Stats stats;
    stats.qom_path = fields.optional<std::string>("qom-path").value_or("");
    const json* list = fields.find("stats");
    if (!list || !list->is_array() || list->size() > max_elements) return std::nullopt;
    for (const json& element : *list) {
        Fields stat(element);
        auto name = stat.required<std::string>("name");
        const json* counter = stat.find("value");
        auto read = counter ? read_counter(*counter) : std::nullopt;
        if (!stat.ok() || !read) return std::nullopt;
        stats.values[std::move(name)] = std::move(*read);
    }
    return fields.result(std::move(stats));
}

std::optional<DirtyRate::Cpu> read_cpu_dirty_rate(const json& value) {
    Fields fields(value);
    const auto index = fields.required<int>("id");
    const auto rate = fields.required<std::int64_t>("dirty-rate");
    if (index < 0 || rate < 0) return std::nullopt;
    return fields.result(DirtyRate::Cpu{index, static_cast<std::uint64_t>(rate)});
}

std::optional<DirtyRate> read_dirty_rate(const json& value) {
    Fields fields(value);
    DirtyRate rate;
    rate.status = fields.required<std::string>("status");
    rate.mode = fields.optional<std::string>("mode").value_or("page-sampling");  // since QEMU 6.2
    // QEMU returns -1 if it failed to measure.
    const auto total = fields.optional<std::int64_t>("dirty-rate");
    if (total && *total >= 0) rate.mib_per_s = static_cast<std::uint64_t>(*total);
    const auto time = fields.required<std::int64_t>("calc-time");
    const auto unit = fields.optional<std::string>("calc-time-unit").value_or("second");
    if (time < 0 || time > max_calc_time_s) return std::nullopt;
    rate.calc_time = std::chrono::milliseconds(unit == "millisecond" ? time : time * 1000);
    if (const json* cpus = fields.find("vcpu-dirty-rate")) {
        auto read = read_list(*cpus, read_cpu_dirty_rate);
        if (!read) return std::nullopt;
        rate.cpus = std::move(*read);
    }
    return fields.result(std::move(rate));
}

const char* name(DirtyRateMode mode) {
    switch (mode) {
        case DirtyRateMode::page_sampling:
            return "page-sampling";
        case DirtyRateMode::dirty_ring:
            return "dirty-ring";
        case DirtyRateMode::dirty_bitmap:
            return "dirty-bitmap";
    }
    return "";
}

}  // namespace

Command<std::vector<Stats>> query_stats(StatsTarget target, const std::vector<std::string>& names) {
    json provider{{"provider", "kvm"}};
    if (!names.empty()) provider["names"] = names;
    return {"query-stats",
            {{"target", target == StatsTarget::vm ? "vm" : "vcpu"},
             {"providers", json::array({std::move(provider)})}},
            [](const json& value) { return read_list(value, read_stats); }};
}

Command<Nothing> calc_dirty_rate(DirtyRateMode mode, std::chrono::seconds seconds,
                                 std::optional<int> sample_pages) {
    json arguments{{"mode", name(mode)}, {"calc-time", seconds.count()}};
    if (sample_pages) arguments["sample-pages"] = *sample_pages;
    return {"calc-dirty-rate", std::move(arguments), [](const json& value) {
                return value.is_object() ? std::optional(Nothing{}) : std::nullopt;
            }};
}

Command<DirtyRate> query_dirty_rate() {
    return {"query-dirty-rate", nullptr, read_dirty_rate};
}

}  // namespace vnuma::qmp
