#include "src/config/config.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "src/config/policy_sections.hpp"
#include "src/config/toml_reader.hpp"

namespace vnuma {
namespace {

// A look takes no more for being longer, and sees what is used seldom; but others may wait for it.
constexpr std::chrono::milliseconds least_scan_time{4'000}, most_scan_time{10'000};
// In a round the first touch of a page tells, so a shorter time serves.
constexpr std::chrono::milliseconds least_round_time{2'000};

using namespace config_text;
using std::chrono::milliseconds;

void read_planner(TomlReader& reader, const toml::table& file, PlannerSettings& planner) {
    const toml::table* table = file["planner"].as_table();
    if (!table) return;
    reader.read(*table, "planner",
                {{"horizon", duration(milliseconds(1000), std::chrono::hours(1),
                                      [&](std::int64_t ms) { planner.horizon = ms; })},
                 {"cool_down", duration(milliseconds(0), std::chrono::hours(24),
                                        [&](std::int64_t ms) { planner.cool_down = ms; })},
                 {"margin", share([&](PerMille value) { planner.margin = value; })},
                 {"imbalance", share([&](PerMille value) { planner.imbalance = value; })}},
                {});
}

void read_memory(TomlReader& reader, const toml::table& file, Config& config) {
    const toml::table* table = file["memory"].as_table();
    if (!table) return;
    constexpr Bytes least_rate = mib, most_rate = 1024 * 1024 * mib;
    reader.read(
        *table, "memory",
        {{"rate",
          scaled({{"M", mib}, {"MiB", mib}, {"G", 1024 * mib}, {"GiB", 1024 * mib}}, "256M",
                 least_rate, most_rate, [&](std::int64_t bytes) { config.planner.pace = bytes; })},
         {"call_time", duration(milliseconds(1), milliseconds(1000),
                                [&](std::int64_t ms) { config.call_time = milliseconds(ms); })},
         {"watermark", share([&](PerMille value) { config.planner.watermark = value; })},
         {"residency",
          word(config.residency,
               named({ResidencyMode::automatic, ResidencyMode::summed, ResidencyMode::full,
                      ResidencyMode::incremental, ResidencyMode::sampled}))},
         {"pagemap", flag(config.pagemap)}},
        {});
}

void read_tracking(TomlReader& reader, const toml::table& file, TrackingSettings& tracking) {
    const toml::table* table = file["tracking"].as_table();
    if (!table) return;
    const auto period = [](milliseconds& target) {
        return duration(milliseconds(100), std::chrono::hours(1),
                        [&](std::int64_t ms) { target = milliseconds(ms); });
    };
    reader.read(
        *table, "tracking",
        {{"heat", word(tracking.heat,
                       named({HeatChoice::automatic, HeatChoice::damon, HeatChoice::idle_page,
                              HeatChoice::soft_dirty, HeatChoice::dirty_rate, HeatChoice::none}))},
         {"attribution", word<bool>(tracking.attribution, {{"auto", true}, {"never", false}})},
         {"overhead",
          share([&](PerMille value) { tracking.overhead_permille = static_cast<int>(value); })},
         {"longest_stall",
          duration(milliseconds(1), std::chrono::minutes(1),
                   [&](std::int64_t ms) { tracking.longest_stall = milliseconds(ms); })},
         {"min_period", period(tracking.period.least)},
         {"max_period", period(tracking.period.most)}},
        {});
    if (tracking.period.least > tracking.period.most)
        reader.complain(
            table->source().begin.line, "tracking.min_period",
            "is longer than max_period (" + std::to_string(tracking.period.most.count()) + "ms)");
}

std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += (text.empty() ? "" : "\n") + line;
    return text;
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> found)
    : std::runtime_error(join(found)), problems(std::move(found)) {}

Config parse_config(const std::string& content, const std::string& origin) {
    TomlReader reader(origin);
    const toml::table file = reader.parse(content);
    Config config;
    reader.read(
        file, "",
        {{"mode", word(config.mode, named({Mode::observe, Mode::advise, Mode::act}))},
         {"source", word<bool>(config.qmp, {{"libvirt", false}, {"qmp", true}})},
         {"qmp_dir", text(config.qmp_dir)},
         {"interval", duration(milliseconds(100), std::chrono::minutes(10),
                               [&](std::int64_t ms) { config.interval = milliseconds(ms); })},
         {"undo_at_stop", flag(config.undo_at_stop)},
         {"run_time_policy", text_or_none(config.run_time_policy)}},
        {"libvirt", "planner", "memory", "tracking", "report", "policy", "ceiling", "guest",
         "group"});
    if (const toml::table* table = file["libvirt"].as_table())
        reader.read(*table, "libvirt",
                    {{"uri", text(config.libvirt.uri)},
                     {"pid_directory", text(config.libvirt.pid_directory)},
                     {"monitor",
                      word<bool>(config.libvirt.ask_monitor, {{"auto", true}, {"never", false}})}},
                    {});
    read_planner(reader, file, config.planner);
    read_memory(reader, file, config);
    read_tracking(reader, file, config.tracking);
    read_policy(reader, file, config.policy);
    if (const toml::table* table = file["report"].as_table())
        reader.read(*table, "report", {{"heat_map", flag(config.tracking.heat_map)}}, {});
    if (config.qmp && config.qmp_dir.empty())
        reader.complain(file["source"].node()->source().begin.line, "source",
                        "\"qmp\" wants qmp_dir, too");
    reader.throw_if_any();
    return config;
}

TrackingSettings tracking_settings(const Config& config) {
    TrackingSettings settings = config.tracking;
    settings.scan_time = std::clamp(config.interval * 2, least_scan_time, most_scan_time);
    settings.round_time = std::clamp(config.interval * 2, least_round_time, most_scan_time);
    settings.may_disturb = config.mode == Mode::act;
    if (config.interval > most_scan_time) {
        settings.heat = HeatChoice::none;
        settings.attribution = false;
        settings.why_none = "looks begin and end with ticks, and the interval is above " +
                            std::to_string(most_scan_time.count()) + " ms";
    }
    return settings;
}

Config load_config(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    in.peek();  // a directory can be opened, but not read
    if (!in.is_open() || in.bad()) throw ConfigError({file + ": cannot be read"});
    std::ostringstream content;
    content << in.rdbuf();
    return parse_config(content.str(), file);
}

std::string to_toml(const Config& config) {
    std::ostringstream out;
    const auto boolean = [](bool value) { return value ? "true" : "false"; };
    const auto ms = [](std::int64_t value) { return "\"" + std::to_string(value) + "ms\""; };
    const auto fraction = [](PerMille value) {
        const std::string digits = std::to_string(1000 + value);
        return "0." + digits.substr(1);
    };
    out << "mode = " << quoted(name(config.mode)) << "\n"
        << "interval = " << ms(config.interval.count()) << "\n"
        << "undo_at_stop = " << boolean(config.undo_at_stop) << "\n"
        << "run_time_policy = " << quoted(config.run_time_policy) << "\n"
        << "source = " << quoted(config.qmp ? "qmp" : "libvirt") << "\n";
    if (!config.qmp_dir.empty()) out << "qmp_dir = " << quoted(config.qmp_dir) << "\n";
    out << "\n[libvirt]\n"
        << "uri = " << quoted(config.libvirt.uri) << "\n"
        << "pid_directory = " << quoted(config.libvirt.pid_directory) << "\n"
        << "monitor = " << quoted(config.libvirt.ask_monitor ? "auto" : "never")
        << "\n\n[planner]\n"
        << "horizon = " << ms(config.planner.horizon) << "\n"
        << "cool_down = " << ms(config.planner.cool_down) << "\n"
        << "margin = " << fraction(config.planner.margin) << "\n"
        << "imbalance = " << fraction(config.planner.imbalance) << "\n\n[memory]\n"
        << "rate = \"" << config.planner.pace / mib << "M\"\n"
        << "call_time = " << ms(config.call_time.count()) << "\n"
        << "watermark = " << fraction(config.planner.watermark) << "\n"
        << "residency = " << quoted(name(config.residency)) << "\n"
        << "pagemap = " << boolean(config.pagemap) << "\n\n[tracking]\n"
        << "heat = " << quoted(name(config.tracking.heat)) << "\n"
        << "attribution = " << quoted(config.tracking.attribution ? "auto" : "never") << "\n"
        << "overhead = " << fraction(config.tracking.overhead_permille) << "\n"
        << "longest_stall = " << ms(config.tracking.longest_stall.count()) << "\n"
        << "min_period = " << ms(config.tracking.period.least.count()) << "\n"
        << "max_period = " << ms(config.tracking.period.most.count()) << "\n\n[report]\n"
        << "heat_map = " << boolean(config.tracking.heat_map) << "\n\n"
        << policy_to_toml(config.policy);
    return out.str();
}

}  // namespace vnuma
