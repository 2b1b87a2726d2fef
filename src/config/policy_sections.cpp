#include "src/config/policy_sections.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "policy/model/uuid.hpp"

namespace vnuma::config_text {
namespace {

std::string find_group(const toml::node& node, const HostPolicy& policy, std::string& group) {
    if (!node.is_string()) return "must be a string";
    group = *node.value<std::string>();
    return policy.has_group(group) ? "" : "there is no section [" + path_of("group", group) + "]";
}

// One group of the file, or "" for none, whatever lower sources set.
Value group_name(std::optional<std::string>& target, const HostPolicy& policy) {
    auto set = [&](const toml::node& node) -> std::string {
        std::string group;
        std::string problem = find_group(node, policy, group);
        if (node.is_string() && group.empty()) {
            target = "";
            return "";
        }
        if (problem.empty()) target = group;
        return problem;
    };
    auto print = [&target] { return target ? std::optional(quote(*target)) : std::nullopt; };
    return {std::move(set), std::move(print), "a group of the file, or `\"\"`"};
}

Value group_names(std::optional<std::vector<std::string>>& target, const HostPolicy& policy) {
    auto set = [&](const toml::node& node) -> std::string {
        const toml::array* list = node.as_array();
        if (!list) return "must be a list of strings";
        std::vector<std::string> names;
        for (const toml::node& one : *list)
            if (std::string problem = find_group(one, policy, names.emplace_back());
                !problem.empty())
                return problem;
        target = std::move(names);
        return "";
    };
    auto print = [&target]() -> std::optional<std::string> {
        return target ? std::optional(quote(*target)) : std::nullopt;
    };
    return {std::move(set), std::move(print), "a list: `[\"web\", \"db\"]`"};
}

// Sections that are named by the user, such as [guest.web].
template <typename ReadOne>
void read_each(TomlReader& reader, const toml::table& file, const char* kind, ReadOne read_one) {
    const toml::table* sections = file[kind].as_table();
    if (!sections) return;
    for (const auto& [key, value] : *sections) {
        const std::string name(key.str()), path = path_of(kind, name);
        if (const toml::table* one = value.as_table())
            read_one(name, *one, path);
        else
            reader.add_problem(value.source().begin.line, path,
                               "must be a section: [" + path + "]");
    }
}

// What holds for one section, and its end, if it is a section of the run-time policy: others have
// none. `named` is the section in SectionEnds.
void read_section(TomlReader& reader, const toml::table& table, const std::string& path,
                  std::vector<Key> keys, const std::string& named, SectionEnds* ends) {
    std::optional<std::int64_t> until;
    if (ends) keys.push_back(until_key(until));
    reader.read(table, path, keys);
    if (until) (*ends)[named] = *until;
}

// Two spellings of a UUID in a file would be one section of which nobody can tell what it sets.
void read_guests(TomlReader& reader, const toml::table& file, const HostPolicy& host,
                 PolicySections& guests, SectionEnds* ends) {
    std::set<std::string> of_file;
    read_each(reader, file, "guest",
              [&](const std::string& name, const toml::table& table, const std::string& path) {
                  const std::string named = normalize_guest_name(name);
                  if (!of_file.insert(named).second)
                      reader.add_problem(table.source().begin.line, path,
                                         "another section has the same UUID, " + named);
                  read_section(reader, table, path, guest_keys(guests[named], host),
                               "guest." + named, ends);
              });
}

void read_cgroups(TomlReader& reader, const toml::table& file, const HostPolicy& host,
                  PolicySections& cgroups, SectionEnds* ends) {
    read_each(reader, file, "cgroup",
              [&](const std::string& name, const toml::table& table, const std::string& path) {
                  if (!is_cgroup_pattern(name))
                      reader.add_problem(table.source().begin.line, path,
                                         "must be the path of a control group, which begins with "
                                         "'/', or a pattern of such paths");
                  read_section(reader, table, path, guest_keys(cgroups[name], host),
                               "cgroup." + name, ends);
              });
}

void read_groups(TomlReader& reader, const toml::table& file,
                 std::map<std::string, GroupOverrides>& groups, SectionEnds* ends) {
    read_each(reader, file, "group",
              [&](const std::string& name, const toml::table& table, const std::string& path) {
                  if (!is_group_name(name))
                      reader.add_problem(table.source().begin.line, path,
                                         "the name of a group must be up to " +
                                             std::to_string(max_group_name) +
                                             " letters, digits, '.', '_' and '-'");
                  read_section(reader, table, path, group_keys(groups[name]), "group." + name,
                               ends);
              });
}

}  // namespace

std::vector<Key> policy_keys(PolicyOverrides& defaults) {
    return {
        {"mode", word(defaults.mode, words_of(modes)),
         "`off`: the guest is not planned. `observe`: it is read and planned, and its vCPUs get "
         "back "
         "the CPUs that its owner allows. `advise`: the same, and the report tells what would be "
         "done (`advised`). `act`: it is done. The `mode` of vnumad as a whole is a limit."},
        {"nodes", node_list(defaults.nodes),
         "Host nodes that may be its home. Limits of the domain (`<vcpupin>`, strict nodesets, "
         "cpusets) hold too."},
        {"memory", word(defaults.memory, words_of(memory_policies)),
         "Which memory of a cell follows it to its home: none; all, where it is accessed enough to "
         "pay back; all."},
        {"priority", whole(defaults.priority, min_priority, max_priority),
         "Weight of its costs against those of other guests."},
    };
}

std::vector<Key> ceiling_keys(HostPolicy& policy) {
    return {
        {"mode", word(policy.ceiling_mode, words_of(modes)), "Highest mode of any guest."},
        {"groups", group_names(policy.ceiling_groups, policy), "Groups that guests may be in."},
        {"nodes", node_list(policy.ceiling_nodes), "Host nodes that may be a home."},
        {"memory", word(policy.ceiling_memory, words_of(memory_policies)),
         "Highest memory policy of any guest."},
        {"priority", whole(policy.ceiling_priority, min_priority, max_priority),
         "Highest priority of any guest."},
    };
}

std::vector<Key> guest_keys(PolicyOverrides& guest, const HostPolicy& policy) {
    std::vector<Key> keys = policy_keys(guest);
    keys.insert(keys.begin() + 1,
                {"group", group_name(guest.group, policy),
                 "The guest is a member of `[group.NAME]`; `\"\"` makes it a member of none, "
                 "whatever lower sources set."});
    keys.insert(keys.begin() + 3, {"home", node_sequence(guest.home), "Fixed homes of its cells."});
    return keys;
}

std::vector<Key> group_keys(GroupOverrides& group) {
    std::vector<Key> keys = policy_keys(group.members);
    keys.insert(keys.begin(),
                {"arrangement", word(group.arrangement, words_of(arrangements)),
                 "`none`: its members have a policy in common. `together`: they have one home, as "
                 "soon as one node has room for all. `apart`: no two are on one node."});
    keys.insert(keys.begin() + 3,
                {"home", node_sequence(group.members.home), "Fixed homes of its members' cells."});
    return keys;
}

Key until_key(std::optional<std::int64_t>& until) {
    return {"until", point_in_time(until),
            "When the section ends. Sections without it hold until they are removed."};
}

bool is_cgroup_pattern(std::string_view path) {
    return path.starts_with('/') || path.starts_with('*');
}

void read_policy(const std::vector<PolicyFile>& files, HostPolicy& policy) {
    // A guest's section may name a group of a later file.
    for (const auto& [reader, table] : files)
        read_groups(reader, table, policy.groups, nullptr);
    for (const auto& [reader, table] : files) {
        if (const toml::table* defaults = table["policy"].as_table())
            reader.read(*defaults, "policy", policy_keys(policy.defaults));
        if (const toml::table* ceiling = table["ceiling"].as_table())
            reader.read(*ceiling, "ceiling", ceiling_keys(policy));
        read_guests(reader, table, policy, policy.guests, nullptr);
        read_cgroups(reader, table, policy, policy.cgroups, nullptr);
    }
}

RunTimeSections parse_run_time_policy(const std::string& content, const std::string& origin,
                                      const HostPolicy& host) {
    TomlReader reader(origin);
    const toml::table file = reader.parse(content);
    reader.read(file, "", {}, {"cgroup", "group", "guest", "policy"});
    HostPolicy known = host;
    known.run_time = {};
    SectionEnds ends;
    if (const toml::table* table = file["policy"].as_table())
        read_section(reader, *table, "policy", policy_keys(known.run_time.defaults), "policy",
                     &ends);
    read_groups(reader, file, known.run_time.groups, &ends);
    read_guests(reader, file, known, known.run_time.guests, &ends);
    read_cgroups(reader, file, known, known.run_time.cgroups, &ends);
    reader.throw_if_any();
    return {std::move(known.run_time), std::move(ends)};
}

RunTimeSections without_ended(const RunTimeSections& sections, const HostPolicy& host,
                              std::int64_t now_ms) {
    RunTimeSections left = sections;
    const auto has_ended = [&](const std::string& named) {
        const auto end = sections.ends.find(named);
        return end != sections.ends.end() && end->second <= now_ms;
    };
    const auto remove_ended = [&](const char* kind, auto& some) {
        std::erase_if(some, [&](const auto& one) { return has_ended(kind + one.first); });
    };
    RunTimeOverrides& policy = left.overrides;
    if (has_ended("policy")) policy.defaults = {};
    remove_ended("guest.", policy.guests);
    remove_ended("cgroup.", policy.cgroups);
    for (auto group = policy.groups.begin(); group != policy.groups.end();) {
        const bool is_named =
            !host.groups.contains(group->first) && !find_members(policy, group->first).empty();
        const bool ended = has_ended("group." + group->first);
        if (ended) group->second = {};
        group = ended && !is_named ? policy.groups.erase(group) : std::next(group);
    }
    std::erase_if(left.ends, [&](const auto& end) { return has_ended(end.first); });
    return left;
}

std::vector<std::string> find_members(const RunTimeOverrides& policy, const std::string& group) {
    std::vector<std::string> members;
    for (const auto& [name, guest] : policy.guests)
        if (guest.group == group) members.push_back("guest." + name);
    for (const auto& [path, cgroup] : policy.cgroups)
        if (cgroup.group == group) members.push_back("cgroup." + path);
    return members;
}

std::string run_time_policy_to_toml(const RunTimeSections& sections, const HostPolicy& host) {
    RunTimeSections printed = sections;
    std::string text;
    const auto add = [&](const std::string& path, std::vector<Key> keys, const std::string& named) {
        const auto end = sections.ends.find(named);
        std::optional<std::int64_t> until;
        if (end != sections.ends.end()) until = end->second;
        keys.push_back(until_key(until));
        text += to_toml(path, keys);
    };
    RunTimeOverrides& policy = printed.overrides;
    if (policy.defaults != PolicyOverrides() || sections.ends.contains("policy"))
        add("policy", policy_keys(policy.defaults), "policy");
    for (auto& [name, group] : policy.groups)
        add(path_of("group", name), group_keys(group), "group." + name);
    for (auto& [name, guest] : policy.guests)
        add(path_of("guest", name), guest_keys(guest, host), "guest." + name);
    for (auto& [path, cgroup] : policy.cgroups)
        add(path_of("cgroup", path), guest_keys(cgroup, host), "cgroup." + path);
    return text;
}

std::string policy_to_toml(const HostPolicy& policy) {
    HostPolicy effective = policy;
    const GuestPolicy built_in;
    PolicyOverrides& defaults = effective.defaults;
    defaults.mode = std::min(defaults.mode.value_or(built_in.mode), policy.ceiling_mode);
    defaults.memory = std::min(defaults.memory.value_or(built_in.memory), policy.ceiling_memory);
    defaults.priority =
        std::min(defaults.priority.value_or(built_in.priority), policy.ceiling_priority);
    std::string text =
        to_toml("policy", policy_keys(defaults)) + to_toml("ceiling", ceiling_keys(effective));
    for (auto& [name, guest] : effective.guests)
        text += to_toml(path_of("guest", name), guest_keys(guest, effective));
    for (auto& [path, cgroup] : effective.cgroups)
        text += to_toml(path_of("cgroup", path), guest_keys(cgroup, effective));
    for (auto& [name, group] : effective.groups)
        text += to_toml(path_of("group", name), group_keys(group));
    return text;
}

}  // namespace vnuma::config_text
