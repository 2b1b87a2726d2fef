#include "src/ctl/whatif/changes.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "policy/model/uuid.hpp"
#include "src/config/config_keys.hpp"
#include "src/ctl/whatif/more_nodes.hpp"

namespace vnuma::ctl {
namespace {

// Only these keys are in a record. All others change what vnumad sees or how it acts.
bool is_in_record(const std::string& path) {
    static constexpr std::array<const char*, 3> others{"mode", "memory.rate", "memory.watermark"};
    return path.starts_with("planner.") ||
           std::find(others.begin(), others.end(), path) != others.end();
}

std::string path_of(const config_text::Section& section, const config_text::Key& key) {
    return config_text::path_of(section.name, key.name);
}

std::string join(const std::vector<std::string>& texts) {
    std::string joined;
    for (const std::string& text : texts)
        joined += (joined.empty() ? "" : ", ") + text;
    return joined;
}

ChangeError bad_setting(const std::string& setting, const std::string& problem) {
    return ChangeError("--set " + setting + ": " + problem);
}

// Sets one key of the configuration. Returns what is wrong with the key, or an empty string.
std::string set_key(Config& config, const std::string& path, const toml::node& value) {
    for (const config_text::Section& section : config_text::sections_of(config))
        for (const config_text::Key& key : section.keys) {
            if (path_of(section, key) != path) continue;
            if (!is_in_record(path))
                return "changes no plan, so a recording cannot tell what it would do";
            return key.value.set(value);
        }
    return "unknown key";
}

// The value as TOML writes it, or nothing if the text is no value of TOML.
std::optional<toml::table> as_toml(const std::string& text) {
    try {
        toml::table table = toml::parse("value = " + text);
        if (table.size() == 1) return table;
    } catch (const toml::parse_error&) {
    }
    return std::nullopt;
}

// Sets a key to what somebody wrote on a command line, where a shell may have taken the quotes.
std::string set_key(Config& config, const std::string& path, const std::string& text) {
    std::string problem;
    if (const auto table = as_toml(text)) {
        problem = set_key(config, path, *table->get("value"));
        if (problem.empty()) return "";
    }
    const std::string as_text = set_key(config, path, toml::value<std::string>(text));
    return as_text.empty() || problem.empty() ? as_text : problem;
}

std::string bad_key(const std::string& path, const std::string& problem) {
    return path + ": " + problem + "; these keys can be set: " + join(keys_of_settings());
}

}  // namespace

std::vector<std::string> keys_of_settings() {
    Config config;
    std::vector<std::string> keys;
    for (const config_text::Section& section : config_text::sections_of(config))
        for (const config_text::Key& key : section.keys)
            if (is_in_record(path_of(section, key))) keys.push_back(path_of(section, key));
    return keys;
}

Changes::Changes(const std::vector<std::string>& settings, int add_nodes,
                 std::vector<std::string> without)
    : add_nodes_(add_nodes), without_(std::move(without)) {
    for (const std::string& setting : settings) {
        const std::size_t equals = setting.find('=');
        if (equals == std::string::npos || equals == 0)
            throw bad_setting(setting, "must be KEY=VALUE");
        const std::string path = setting.substr(0, equals), value = setting.substr(equals + 1);
        Config config;
        const std::string problem = set_key(config, path, value);
        if (!problem.empty()) throw bad_setting(setting, bad_key(path, problem));
        if (path == "mode") mode_ = config.mode;
        settings_.push_back({setting, [path, value](PlannerSettings& planner) {
                                 Config changed;
                                 changed.planner = planner;
                                 set_key(changed, path, value);
                                 planner = changed.planner;
                             }});
    }
    if (add_nodes < 0 || add_nodes >= static_cast<int>(max_host_nodes))
        throw ChangeError("--add-node: a host has at most " + std::to_string(max_host_nodes) +
                          " nodes");
    for (const std::string& guest : without_)
        matched_[normalize_guest_name(guest)] = false;
}

Record Changes::apply(Record record) {
    for (const Setting& setting : settings_)
        setting.apply(record.settings);
    for (GuestState& guest : record.snapshot.guests) {
        if (seen_.size() < named_guests) seen_.insert(guest.name);
        if (mode_ && guest.policy.mode != Mode::off) guest.policy.mode = *mode_;
    }
    remove_guests(record.snapshot);
    const std::size_t nodes = record.snapshot.topology.nodes.size();
    if (nodes + static_cast<std::size_t>(add_nodes_) > max_host_nodes)
        throw ChangeError("--add-node: the host of the recording has " + std::to_string(nodes) +
                          " nodes, and a host has at most " + std::to_string(max_host_nodes));
    for (int n = 0; n < add_nodes_; ++n)
        add_node(record.snapshot);
    return record;
}

// Their memory becomes available. learn() forgets their homes, since no verdict has them.
void Changes::remove_guests(Snapshot& snapshot) {
    if (without_.empty()) return;
    std::erase_if(snapshot.guests, [&](const GuestState& guest) {
        bool is_named = false;
        for (const std::string& name : {guest.name, normalize_guest_name(guest.uuid)}) {
            const auto found = matched_.find(name);
            if (found == matched_.end()) continue;
            found->second = is_named = true;
        }
        if (is_named) free_memory(guest, snapshot.topology);
        return is_named;
    });
}

std::vector<std::string> Changes::unknown_guests() const {
    std::vector<std::string> unknown;
    for (const std::string& guest : without_)
        if (!matched_.at(normalize_guest_name(guest))) unknown.push_back(guest);
    return unknown;
}

std::string Changes::to_text() const {
    std::vector<std::string> texts;
    for (const Setting& setting : settings_)
        texts.push_back(setting.text);
    if (add_nodes_ > 0)
        texts.push_back(std::to_string(add_nodes_) + " more node" + (add_nodes_ > 1 ? "s" : ""));
    for (const std::string& guest : without_)
        texts.push_back("without " + guest);
    return join(texts);
}

}  // namespace vnuma::ctl
