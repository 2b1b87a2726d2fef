#include "src/config/config.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

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

// A file and what was found in it.
struct ParsedFile {
    config_text::TomlReader reader;
    toml::table table;
};

void throw_problems(const std::vector<ParsedFile>& files) {
    std::vector<std::string> all;
    for (const ParsedFile& file : files) {
        const std::vector<std::string> problems = file.reader.problems();
        all.insert(all.end(), problems.begin(), problems.end());
    }
    if (!all.empty()) throw ConfigError(std::move(all));
}

// A problem of a key, told where the key was set last; in the first line if nobody has set it.
void add_problem(std::vector<ParsedFile>& files, const std::string& section, const std::string& key,
                 const std::string& problem) {
    ParsedFile* last = &files.front();
    unsigned line = 1;
    for (ParsedFile& file : files) {
        const auto node = section.empty() ? file.table[key] : file.table[section][key];
        if (!node.node()) continue;
        last = &file;
        line = node.node()->source().begin.line;
    }
    last->reader.add_problem(line, config_text::path_of(section, key), problem);
}

// Problems of two keys together.
void check_together(const Config& config, std::vector<ParsedFile>& files) {
    const PeriodLimits& period = config.tracking.period;
    if (period.least > period.most)
        add_problem(files, "tracking", "min_period",
                    "must not be longer than max_period, which is " +
                        std::to_string(period.most.count()) + "ms");
    const bool qmp = config.source == SourceChoice::qmp;
    if (qmp && config.qmp_dir.empty())
        add_problem(files, "", "source", "\"qmp\" needs the key qmp_dir too");
    if (config.pin_by_libvirt && (qmp || config.source == SourceChoice::proc))
        add_problem(files, "", "pin",
                    std::string("must be \"affinity\" with source = \"") + (qmp ? "qmp" : "proc") +
                        "\": libvirt does not know these guests");
    if (config.pin_by_libvirt && !config.restore_at_stop)
        add_problem(files, "", "on_stop",
                    "must be \"restore\" with pin = \"libvirt\": libvirt saves its pins with "
                    "guests when the host shuts down, and after that nobody knows that they "
                    "are vnumad's");
}

// The names of the drop-ins, sorted. A directory that is not there has none.
std::vector<std::string> list_drop_ins(const std::string& directory) {
    namespace fs = std::filesystem;
    std::vector<std::string> files;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with('.') || !name.ends_with(".conf")) continue;
        files.push_back(entry->path().string());
        if (files.size() > max_drop_ins)
            throw ConfigError(
                {directory + ": has more than " + std::to_string(max_drop_ins) + " files *.conf"});
    }
    if (error && error != std::errc::no_such_file_or_directory)
        throw ConfigError({directory + ": cannot be read: " + error.message()});
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> found)
    : std::runtime_error(join(found)), problems(std::move(found)) {}

Config parse_config(const std::vector<ConfigText>& texts) {
    std::vector<ParsedFile> files;
    std::vector<std::string> unreadable;
    for (const auto& [text, origin] : texts) {
        ParsedFile& file = files.emplace_back(ParsedFile{config_text::TomlReader(origin), {}});
        try {
            file.table = file.reader.parse(text);
        } catch (const ConfigError& error) {
            unreadable.insert(unreadable.end(), error.problems.begin(), error.problems.end());
        }
    }
    // What such a file lacks would be a problem of others.
    if (!unreadable.empty()) throw ConfigError(std::move(unreadable));
    Config config;
    const auto sections = config_text::sections_of(config);
    std::vector<std::string> names{"policy", "ceiling", "guest", "cgroup", "group"};
    for (const auto& section : sections)
        if (!section.name.empty()) names.push_back(section.name);
    std::vector<config_text::PolicyFile> policies;
    for (ParsedFile& file : files) {
        for (const auto& section : sections) {
            const toml::table* table =
                section.name.empty() ? &file.table : file.table[section.name].as_table();
            if (table)
                file.reader.read(*table, section.name, section.keys,
                                 section.name.empty() ? names : std::vector<std::string>());
        }
        policies.push_back({file.reader, file.table});
    }
    config_text::read_policy(policies, config.policy);
    if (!files.empty()) check_together(config, files);
    throw_problems(files);
    return config;
}

Config parse_config(const std::string& text, const std::string& origin) {
    return parse_config(std::vector<ConfigText>{{text, origin}});
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

std::vector<ConfigText> read_config(const std::string& file) {
    std::vector<ConfigText> texts;
    std::vector<std::string> problems;
    const auto add = [&](const std::string& one) {
        FileText content = read_text_file(one);
        if (content.problem.empty())
            texts.push_back({std::move(content.text), one});
        else
            problems.push_back(one + ": " + content.problem);
    };
    add(file);
    for (const std::string& drop_in : list_drop_ins(file + ".d"))
        add(drop_in);
    if (!problems.empty()) throw ConfigError(std::move(problems));
    return texts;
}

Config load_config(const std::string& file) {
    return parse_config(read_config(file));
}

std::string to_toml(const Config& config) {
    Config printed = config;
    std::string text;
    for (const auto& [name, keys] : config_text::sections_of(printed))
        text += config_text::to_toml(name, keys);
    return text + config_text::policy_to_toml(config.policy);
}

}  // namespace vnuma
