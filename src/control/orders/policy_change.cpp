#include "src/control/orders/policy_change.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "policy/model/uuid.hpp"

namespace vnuma::control {
namespace {

using config_text::Key;
using config_text::RunTimeSections;
using Kind = PolicySection::Kind;

Refused refuse(const char* error_class, std::string description) {
    return {error_class, std::move(description)};
}

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

// The values of a section of any kind: only groups have an arrangement.
GroupOverrides load(const RunTimeSections& policy, const PolicySection& section) {
    const auto find = [&](const PolicySections& sections) {
        const auto known = sections.find(section.name);
        return known == sections.end() ? PolicyOverrides() : known->second;
    };
    const RunTimeOverrides& overrides = policy.overrides;
    switch (section.kind) {
        case Kind::defaults:
            return {{}, overrides.defaults};
        case Kind::guest:
            return {{}, find(overrides.guests)};
        case Kind::cgroup:
            return {{}, find(overrides.cgroups)};
        case Kind::group:
            break;
    }
    const auto known = overrides.groups.find(section.name);
    return known == overrides.groups.end() ? GroupOverrides() : known->second;
}

void store(RunTimeSections& policy, const PolicySection& section, GroupOverrides values) {
    RunTimeOverrides& overrides = policy.overrides;
    switch (section.kind) {
        case Kind::defaults:
            overrides.defaults = std::move(values.members);
            return;
        case Kind::guest:
            overrides.guests[section.name] = std::move(values.members);
            return;
        case Kind::cgroup:
            overrides.cgroups[section.name] = std::move(values.members);
            return;
        case Kind::group:
            overrides.groups[section.name] = std::move(values);
            return;
    }
}

void remove(RunTimeSections& policy, const PolicySection& section) {
    policy.ends.erase(path_of(section));
    RunTimeOverrides& overrides = policy.overrides;
    switch (section.kind) {
        case Kind::defaults:
            overrides.defaults = {};
            return;
        case Kind::guest:
            overrides.guests.erase(section.name);
            return;
        case Kind::cgroup:
            overrides.cgroups.erase(section.name);
            return;
        case Kind::group:
            overrides.groups.erase(section.name);
            return;
    }
}

// They refer to `values` and to `known`.
std::vector<Key> keys_of(Kind kind, GroupOverrides& values, const HostPolicy& known) {
    switch (kind) {
        case Kind::defaults:
            return config_text::policy_keys(values.members);
        case Kind::guest:
        case Kind::cgroup:
            return config_text::guest_keys(values.members, known);
        case Kind::group:
            break;
    }
    return config_text::group_keys(values);
}

const Key* find(const std::vector<Key>& keys, const std::string& name) {
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
    return found == keys.end() ? nullptr : &*found;
}

std::vector<std::string> names_of(const std::vector<Key>& keys, bool only_set) {
    std::vector<std::string> names;
    for (const Key& key : keys)
        if (!only_set || key.value.print()) names.push_back(key.name);
    return names;
}

Refused refuse_value(const std::string& name, const std::string& problem) {
    return refuse(invalid_argument, name + ": " + problem);
}

Refused refuse_key(const std::string& name, const PolicySection& section,
                   const std::vector<Key>& keys) {
    return refuse(invalid_argument, "\"" + name + "\" is no key of " + describe(section) +
                                        ": it must be one of " + join(names_of(keys, false)));
}

// All values are strings in the file, but for numbers. Returns what is wrong, or an empty string.
std::string set_text(const Key& key, const std::string& text) {
    std::string problem = key.value.set(toml::value<std::string>(text));
    if (problem.empty()) return "";
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end) return problem;
    return key.value.set(toml::value<std::int64_t>(number));
}

// Why the section cannot have this end, because of values that the request does not set.
std::string why_not_until(const RunTimeSections& policy, const PolicySection& section,
                          const std::vector<std::string>& others, bool ends) {
    if (others.empty()) return "";
    const auto end = policy.ends.find(path_of(section));
    const bool had_end = end != policy.ends.end();
    if (had_end == ends) return "";
    const std::string values = "all values of " + describe(section) + " have one end, and " +
                               join(others) + (others.size() == 1 ? " has " : " have ");
    return ends ? values + "none: set these with the same end, too, or unset them first"
                : values + config_text::print_time(end->second) +
                      ": set these without an end, too, or give an end for the new values";
}

std::string why_no_name(const PolicySection& section) {
    if (section.name.empty()) return "must not be empty";
    if (section.name.size() > max_section_name)
        return "must not be longer than " + std::to_string(max_section_name) + " bytes";
    if (section.kind == Kind::group && !is_group_name(section.name))
        return "the name of a group must be up to " + std::to_string(max_group_name) +
               " letters, digits, '.', '_' and '-'";
    if (section.kind == Kind::cgroup && !config_text::is_cgroup_pattern(section.name))
        return "must be the path of a control group, which begins with '/', or a pattern of such "
               "paths";
    return "";
}

// The configuration's policy with the groups of run time.
HostPolicy with_groups(const HostPolicy& host, const RunTimeSections& policy) {
    HostPolicy known;
    known.groups = host.groups;
    known.run_time.groups = policy.overrides.groups;
    return known;
}

}  // namespace

std::variant<PolicySection, Refused> section_of(const PolicyTarget& target) {
    const int named = (target.guest ? 1 : 0) + (target.cgroup ? 1 : 0) + (target.group ? 1 : 0);
    if (named > 1) return refuse(invalid_argument, "name one of guest, cgroup and group");
    PolicySection section;
    if (named == 0) return section;
    if (target.guest)
        section = {Kind::guest, normalize_guest_name(*target.guest)};
    else if (target.cgroup)
        section = {Kind::cgroup, *target.cgroup};
    else
        section = {Kind::group, *target.group};
    if (const std::string problem = why_no_name(section); !problem.empty())
        return refuse(invalid_argument, describe(section) + ": " + problem);
    return section;
}

std::string describe(const PolicySection& section) {
    switch (section.kind) {
        case Kind::defaults:
            return "the defaults";
        case Kind::guest:
            return "guest " + section.name;
        case Kind::cgroup:
            return "cgroup " + section.name;
        case Kind::group:
            break;
    }
    return "group " + section.name;
}

std::string path_of(const PolicySection& section) {
    switch (section.kind) {
        case Kind::defaults:
            return "policy";
        case Kind::guest:
            return "guest." + section.name;
        case Kind::cgroup:
            return "cgroup." + section.name;
        case Kind::group:
            break;
    }
    return "group." + section.name;
}

std::optional<Refused> set_values(RunTimeSections& policy, const HostPolicy& host,
                                  const PolicySection& section,
                                  const std::vector<Setting>& settings,
                                  std::optional<std::int64_t> for_ms, std::int64_t now_ms) {
    if (settings.empty())
        return refuse(invalid_argument, "there is nothing to set: give KEY=VALUE");
    if (for_ms && (*for_ms < 1 || *for_ms > max_policy_time_ms))
        return refuse(invalid_argument, "the time for which values are set must be from 1 ms to " +
                                            std::to_string(max_policy_time_ms / 86'400'000) +
                                            " days");
    const HostPolicy known = with_groups(host, policy);
    GroupOverrides values = load(policy, section);
    const std::vector<Key> keys = keys_of(section.kind, values, known);
    std::vector<std::string> others = names_of(keys, true);
    std::set<std::string> seen;
    for (const auto& [name, value] : settings) {
        const Key* key = find(keys, name);
        if (!key) return refuse_key(name, section, keys);
        if (!seen.insert(name).second) return refuse(invalid_argument, name + ": is set twice");
        if (const std::string problem = set_text(*key, value); !problem.empty())
            return refuse_value(name, problem);
        std::erase(others, name);
    }
    if (std::string why = why_not_until(policy, section, others, for_ms.has_value()); !why.empty())
        return refuse(was_refused, std::move(why));
    store(policy, section, values);
    policy.ends.erase(path_of(section));
    if (for_ms) policy.ends[path_of(section)] = now_ms + *for_ms;
    return std::nullopt;
}

std::optional<Refused> unset_values(RunTimeSections& policy, const HostPolicy& host,
                                    const PolicySection& section,
                                    const std::vector<std::string>& keys) {
    const HostPolicy known = with_groups(host, policy);
    GroupOverrides before = load(policy, section), after;
    const std::vector<Key> from = keys_of(section.kind, before, known);
    const std::vector<Key> to = keys_of(section.kind, after, known);
    for (const std::string& name : keys)
        if (!find(from, name)) return refuse_key(name, section, from);
    for (const Key& key : from) {
        const bool stays =
            !keys.empty() && std::find(keys.begin(), keys.end(), key.name) == keys.end();
        const auto printed = key.value.print();
        if (!stays || !printed) continue;
        const toml::table value = toml::parse("value = " + *printed);
        find(to, key.name)->value.set(*value.get("value"));
    }
    const bool is_group = section.kind == Kind::group;
    const bool exists = is_group && policy.overrides.groups.contains(section.name);
    if (after == before && !(exists && keys.empty()))
        return refuse(was_refused, (keys.empty() ? "nothing" : "none of " + join(keys)) +
                                       " is set at run time for " + describe(section));
    const auto members = is_group && !host.groups.contains(section.name)
                             ? config_text::find_members(policy.overrides, section.name)
                             : std::vector<std::string>();
    if (after != GroupOverrides() || (!members.empty() && !keys.empty())) {
        store(policy, section, after);
        if (after == GroupOverrides()) policy.ends.erase(path_of(section));
        return std::nullopt;
    }
    if (!members.empty())
        return refuse(was_refused, describe(section) + " has members by the run-time policy (" +
                                       join(members) + "): unset their group first");
    remove(policy, section);
    return std::nullopt;
}

}  // namespace vnuma::control
