#include "src/config/config.hpp"

#include <algorithm>

#include "src/config/config_keys.hpp"
#include "src/config/policy_sections.hpp"
#include "src/config/text_file.hpp"

namespace vnuma {
namespace {

// A longer scan costs no more, and sees memory that is accessed seldom; but other guests may wait.
constexpr std::chrono::milliseconds least_scan_time{4'000}, most_scan_time{10'000};
// The first access to a page is enough for a round, so a shorter time serves.
constexpr std::chrono::milliseconds least_round_time{2'000};

std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += (text.empty() ? "" : "\n") + line;
    return text;
}

unsigned line_of(const toml::table& file, const char* section, const char* key) {
    const auto node = *section ? file[section][key] : file[key];
    return node.node() ? node.node()->source().begin.line : 1;
}

// Problems of two keys together.
void check_together(const Config& config, const toml::table& file,
                    config_text::TomlReader& reader) {
    const PeriodLimits& period = config.tracking.period;
    if (period.least > period.most)
        reader.add_problem(file["tracking"].node()->source().begin.line, "tracking.min_period",
                           "must not be longer than max_period, which is " +
                               std::to_string(period.most.count()) + "ms");
    const bool qmp = config.source == SourceChoice::qmp;
    if (qmp && config.qmp_dir.empty())
        reader.add_problem(line_of(file, "", "source"), "source",
                           "\"qmp\" needs the key qmp_dir too");
    if (config.pin_by_libvirt && (qmp || config.source == SourceChoice::proc))
        reader.add_problem(line_of(file, "", "pin"), "pin",
                           std::string("must be \"affinity\" with source = \"") +
                               (qmp ? "qmp" : "proc") + "\": libvirt does not know these guests");
    if (config.pin_by_libvirt && !config.restore_at_stop)
        reader.add_problem(
            line_of(file, "", "on_stop"), "on_stop",
            "must be \"restore\" with pin = \"libvirt\": libvirt saves its pins with "
            "guests when the host shuts down, and after that nobody knows that they "
            "are vnumad's");
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> found)
    : std::runtime_error(join(found)), problems(std::move(found)) {}

Config parse_config(const std::string& content, const std::string& origin) {
    config_text::TomlReader reader(origin);
    const toml::table file = reader.parse(content);
    Config config;
    const auto sections = config_text::sections_of(config);
    std::vector<std::string> names{"policy", "ceiling", "guest", "cgroup", "group"};
    for (const auto& section : sections)
        if (!section.name.empty()) names.push_back(section.name);
    for (const auto& section : sections) {
        const toml::table* table = section.name.empty() ? &file : file[section.name].as_table();
        if (table)
            reader.read(*table, section.name, section.keys,
                        section.name.empty() ? names : std::vector<std::string>());
    }
    config_text::read_policy(reader, file, config.policy);
    check_together(config, file, reader);
    reader.throw_if_any();
    return config;
}

SourceChoice source_in_use(const Config& config) {
    const bool no_monitors = config.mode == Mode::observe && config.source == SourceChoice::qmp;
    return no_monitors ? SourceChoice::proc : config.source;
}

TrackingSettings tracking_settings(const Config& config) {
    TrackingSettings settings = config.tracking;
    settings.scan_time = std::clamp(config.interval * 2, least_scan_time, most_scan_time);
    settings.round_time = std::clamp(config.interval * 2, least_round_time, most_scan_time);
    settings.may_disturb = config.mode == Mode::act;
    if (config.mode == Mode::observe)
        settings.disabled_reason = "vnumad only observes (mode), and tracking writes to the kernel";
    else if (config.interval > most_scan_time)
        settings.disabled_reason =
            "a scan begins and ends with a tick, and the interval is longer than " +
            std::to_string(most_scan_time.count()) + " ms";
    if (!settings.disabled_reason.empty()) {
        settings.heat = HeatChoice::none;
        settings.attribution = false;
    }
    return settings;
}

Config load_config(const std::string& file) {
    const FileText content = read_text_file(file);
    if (!content.problem.empty()) throw ConfigError({file + ": " + content.problem});
    return parse_config(content.text, file);
}

std::string to_toml(const Config& config) {
    Config printed = config;
    std::string text;
    for (const auto& [name, keys] : config_text::sections_of(printed))
        text += config_text::to_toml(name, keys);
    return text + config_text::policy_to_toml(config.policy);
}

}  // namespace vnuma
