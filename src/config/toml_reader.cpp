#include "src/config/toml_reader.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"
#include "src/config/config.hpp"

namespace vnuma::config_text {
namespace {

std::optional<std::pair<std::int64_t, std::string>> split_unit(const std::string& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    return std::pair{number, std::string(end)};
}

Setter list(std::optional<std::vector<int>>& target,
            std::optional<std::vector<int>> (*parse)(std::string_view), const char* wants) {
    return [=, &target](const toml::node& node) -> std::string {
        auto numbers = node.is_string() ? parse(*node.value<std::string>()) : std::nullopt;
        if (!numbers) return wants;
        target = std::move(numbers);
        return "";
    };
}

}  // namespace

toml::table TomlReader::parse(const std::string& content) {
    try {
        return toml::parse(content, origin_);
    } catch (const toml::parse_error& error) {
        complain(error.source().begin.line, "", std::string(error.description()));
    }
    throw_if_any();
    return {};
}

void TomlReader::read(const toml::table& table, const std::string& section, const Keys& keys,
                      const std::vector<std::string>& subsections) {
    for (const auto& [key, value] : table) {
        const std::string path = path_of(section, std::string(key.str()));
        const auto known = keys.find(std::string(key.str()));
        if (known != keys.end()) {
            const std::string problem = known->second(value);
            if (!problem.empty()) complain(value.source().begin.line, path, problem);
        } else if (std::find(subsections.begin(), subsections.end(), key.str()) ==
                   subsections.end()) {
            complain(key.source().begin.line, path, "unknown key");
        } else if (!value.is_table()) {
            complain(value.source().begin.line, path, "is a section, write it as [" + path + "]");
        }
    }
}

void TomlReader::complain(unsigned line, const std::string& path, const std::string& problem) {
    problems_[line].push_back(origin_ + ":" + std::to_string(line) + ": " +
                              (path.empty() ? "" : path + ": ") + problem);
}

void TomlReader::throw_if_any() const {
    std::vector<std::string> all;
    for (const auto& [line, found] : problems_)
        all.insert(all.end(), found.begin(), found.end());
    if (!all.empty()) throw ConfigError(std::move(all));
}

Setter scaled(std::map<std::string, std::int64_t> units, const char* example, std::int64_t least,
              std::int64_t most, std::function<void(std::int64_t)> store) {
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

Setter duration(std::chrono::milliseconds least, std::chrono::milliseconds most,
                std::function<void(std::int64_t)> store) {
    return scaled({{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}}, "2s", least.count(),
                  most.count(), std::move(store));
}

Setter share(std::function<void(PerMille)> store) {
    return [=](const toml::node& node) -> std::string {
        const auto number = node.is_number() ? node.value<double>() : std::nullopt;
        const bool in_range = number && *number >= 0 && *number < 1;
        const PerMille value = in_range ? std::llround(*number * 1000) : 1000;
        if (value >= 1000) return "wants a share from 0 to 1, like 0.125";
        store(value);
        return "";
    };
}

Setter whole(int least, int most, std::function<void(int)> store) {
    return [=](const toml::node& node) -> std::string {
        const auto number = node.is_integer() ? node.value<std::int64_t>() : std::nullopt;
        if (!number || *number < least || *number > most)
            return "wants a whole number from " + std::to_string(least) + " to " +
                   std::to_string(most);
        store(static_cast<int>(*number));
        return "";
    };
}

Setter text(std::string& target) {
    return [set = text_or_none(target), &target](const toml::node& node) -> std::string {
        const std::string problem = set(node);
        return problem.empty() && target.empty() ? "must not be empty" : problem;
    };
}

Setter text_or_none(std::string& target) {
    return [&](const toml::node& node) -> std::string {
        if (!node.is_string()) return "wants a text";
        target = *node.value<std::string>();
        return "";
    };
}

Setter flag(bool& target) {
    return [&](const toml::node& node) -> std::string {
        if (!node.is_boolean()) return "wants true or false";
        target = *node.value<bool>();
        return "";
    };
}

Setter node_list(std::optional<std::vector<int>>& target) {
    return list(target, parse_node_list, "wants a list of nodes like \"0-1,3\"");
}

Setter node_sequence(std::optional<std::vector<int>>& target) {
    return list(target, parse_node_sequence,
                "wants one node for all cells, or one for each: \"0\", \"1,0\"");
}

std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump();  // JSON's escapes are among TOML's
}

std::string path_of(const std::string& section, const std::string& key) {
    const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
        return c < 128 && (std::isalnum(c) || c == '_' || c == '-');
    });
    return (section.empty() ? "" : section + ".") + (bare ? key : quoted(key));
}

}  // namespace vnuma::config_text
