#include "src/config.hpp"

#include <toml++/toml.h>
#include <charconv>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

namespace vnuma {
namespace {

// A look takes no more for being longer, and sees what is used seldom; but others may wait for it.
constexpr std::chrono::milliseconds least_look_time{4'000}, most_look_time{10'000};

using std::chrono::milliseconds;

// A value of the file and whatever keeps it from being used.
class Reader {
  public:
    explicit Reader(std::string origin) : origin_(std::move(origin)) {}

    using Setter = std::function<std::string(const toml::node&)>;  // returns the problem
    using Keys = std::map<std::string, Setter>;

    void read(const toml::table& table, const std::string& section, const Keys& keys,
              const std::vector<std::string>& subsections) {
        for (const auto& [key, value] : table) {
            const std::string path =
                section.empty() ? std::string(key.str()) : section + "." + std::string(key.str());
            const auto known = keys.find(std::string(key.str()));
            if (known != keys.end()) {
                const std::string problem = known->second(value);
                if (!problem.empty()) complain(value.source().begin.line, path, problem);
            } else if (std::find(subsections.begin(), subsections.end(), key.str()) ==
                       subsections.end()) {
                complain(key.source().begin.line, path, "unknown key");
            } else if (!value.is_table()) {
                complain(value.source().begin.line, path,
                         "is a section, write it as [" + path + "]");
            }
        }
    }

    void complain(unsigned line, const std::string& path, const std::string& problem) {
        problems_[line].push_back(origin_ + ":" + std::to_string(line) + ": " +
                                  (path.empty() ? "" : path + ": ") + problem);
    }

    void throw_if_any() const {
        std::vector<std::string> all;
        for (const auto& [line, found] : problems_)
            all.insert(all.end(), found.begin(), found.end());
        if (!all.empty()) throw ConfigError(std::move(all));
    }

  private:
    std::string origin_;
    std::map<unsigned, std::vector<std::string>> problems_;  // by line
};

std::optional<std::pair<std::int64_t, std::string>> split_unit(const std::string& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    return std::pair{number, std::string(end)};
}

// Numbers with a unit are strings, as in systemd's files: "2s", "256M".
Reader::Setter scaled(std::map<std::string, std::int64_t> units, const char* example,
                      std::int64_t least, std::int64_t most,
                      std::function<void(std::int64_t)> store) {
    return [=](const toml::node& node) -> std::string {
        const auto text = node.value<std::string>();
        const auto parts = text && node.is_string() ? split_unit(*text) : std::nullopt;
        const auto unit = parts ? units.find(parts->second) : units.end();
        if (unit == units.end()) return std::string("wants a text like \"") + example + "\"";
        if (parts->first < 0 || parts->first > most / unit->second ||
            parts->first * unit->second < least || parts->first * unit->second > most)
            return "is out of range";
        store(parts->first * unit->second);
        return "";
    };
}

Reader::Setter duration(milliseconds least, milliseconds most,
                        std::function<void(std::int64_t)> store) {
    return scaled({{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}}, "2s", least.count(),
                  most.count(), std::move(store));
}

Reader::Setter share(std::function<void(PerMille)> store) {
    return [=](const toml::node& node) -> std::string {
        const auto number = node.is_number() ? node.value<double>() : std::nullopt;
        const bool in_range = number && *number >= 0 && *number < 1;
        const PerMille value = in_range ? std::llround(*number * 1000) : 1000;
        if (value >= 1000) return "wants a share from 0 to 1, like 0.125";
        store(value);
        return "";
    };
}

Reader::Setter text(std::string& target) {
    return [&](const toml::node& node) -> std::string {
        if (!node.is_string()) return "wants a text";
        target = *node.value<std::string>();
        return target.empty() ? "must not be empty" : "";
    };
}

Reader::Setter flag(bool& target) {
    return [&](const toml::node& node) -> std::string {
        if (!node.is_boolean()) return "wants true or false";
        target = *node.value<bool>();
        return "";
    };
}

// One of a few words.
template <typename Value>
Reader::Setter word(Value& target, std::vector<std::pair<std::string, Value>> words) {
    return [&target, words](const toml::node& node) -> std::string {
        const std::string text = node.is_string() ? *node.value<std::string>() : "";
        std::string all;
        for (const auto& [known, value] : words) {
            all += (all.empty() ? "\"" : ", \"") + known + "\"";
            if (known != text) continue;
            target = value;
            return "";
        }
        return "wants one of " + all;
    };
}

template <typename Value>
std::vector<std::pair<std::string, Value>> named(std::initializer_list<Value> values) {
    std::vector<std::pair<std::string, Value>> words;
    for (const Value value : values)
        words.emplace_back(name(value), value);
    return words;
}

void read_planner(Reader& reader, const toml::table& file, PlannerSettings& planner) {
    const toml::table* table = file["planner"].as_table();
    if (!table) return;
    reader.read(*table, "planner",
                {{"horizon", duration(milliseconds(1000), std::chrono::hours(1),
                                      [&](std::int64_t ms) { planner.horizon = ms; })},
                 {"cool_down", duration(milliseconds(0), std::chrono::hours(24),
                                        [&](std::int64_t ms) { planner.cool_down = ms; })},
                 {"margin", share([&](PerMille value) { planner.margin = value; })}},
                {});
}

void read_memory(Reader& reader, const toml::table& file, Config& config) {
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

void read_tracking(Reader& reader, const toml::table& file, TrackingSettings& tracking) {
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

const char* name(Mode mode) {
    switch (mode) {
        case Mode::observe:
            return "observe";
        case Mode::advise:
            return "advise";
        case Mode::act:
            return "act";
    }
    return "unknown";
}

ConfigError::ConfigError(std::vector<std::string> found)
    : std::runtime_error(join(found)), problems(std::move(found)) {}

Config parse_config(const std::string& content, const std::string& origin) {
    Reader reader(origin);
    toml::table file;
    try {
        file = toml::parse(content, origin);
    } catch (const toml::parse_error& error) {
        reader.complain(error.source().begin.line, "", std::string(error.description()));
        reader.throw_if_any();
    }
    Config config;
    reader.read(
        file, "",
        {{"mode", word(config.mode, named({Mode::observe, Mode::advise, Mode::act}))},
         {"source", word<bool>(config.qmp, {{"libvirt", false}, {"qmp", true}})},
         {"qmp_dir", text(config.qmp_dir)},
         {"interval", duration(milliseconds(100), std::chrono::minutes(10),
                               [&](std::int64_t ms) { config.interval = milliseconds(ms); })},
         {"undo_at_stop", flag(config.undo_at_stop)}},
        {"libvirt", "planner", "memory", "tracking", "report"});
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
    settings.look_time = std::clamp(config.interval * 2, least_look_time, most_look_time);
    settings.may_induce_faults = config.mode == Mode::act;
    // Looks begin and end with ticks.
    if (config.interval > most_look_time) settings.heat = HeatChoice::none;
    if (config.interval > most_look_time) settings.attribution = false;
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
    // JSON's escapes are among TOML's.
    const auto quoted = [](const std::string& value) { return nlohmann::json(value).dump(); };
    const auto boolean = [](bool value) { return value ? "true" : "false"; };
    const auto ms = [](std::int64_t value) { return "\"" + std::to_string(value) + "ms\""; };
    const auto fraction = [](PerMille value) {
        const std::string digits = std::to_string(1000 + value);
        return "0." + digits.substr(1);
    };
    out << "mode = " << quoted(name(config.mode)) << "\n"
        << "interval = " << ms(config.interval.count()) << "\n"
        << "undo_at_stop = " << boolean(config.undo_at_stop) << "\n"
        << "source = " << quoted(config.qmp ? "qmp" : "libvirt") << "\n";
    if (!config.qmp_dir.empty()) out << "qmp_dir = " << quoted(config.qmp_dir) << "\n";
    out << "\n[libvirt]\n"
        << "uri = " << quoted(config.libvirt.uri) << "\n"
        << "pid_directory = " << quoted(config.libvirt.pid_directory) << "\n"
        << "monitor = " << quoted(config.libvirt.ask_monitor ? "auto" : "never")
        << "\n\n[planner]\n"
        << "horizon = " << ms(config.planner.horizon) << "\n"
        << "cool_down = " << ms(config.planner.cool_down) << "\n"
        << "margin = " << fraction(config.planner.margin) << "\n\n[memory]\n"
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
        << "heat_map = " << boolean(config.tracking.heat_map) << "\n";
    return out.str();
}

}  // namespace vnuma
