#include "src/config/policy_sections.hpp"

#include <algorithm>
#include <sstream>

#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma::config_text {
namespace {

template <typename Target>
Setter priority(Target& target) {
    return whole(min_priority, max_priority, [&](int value) { target = value; });
}

// What can be said of all guests, of one, and of a group's.
Keys keys_of(PolicyOverrides& words) {
    return {{"mode", word(words.mode, named(modes))},
            {"nodes", node_list(words.nodes)},
            {"memory", word(words.memory, named(memory_policies))},
            {"priority", priority(words.priority)}};
}

Setter group(std::optional<std::string>& target, const HostPolicy& policy) {
    return [&](const toml::node& node) -> std::string {
        if (!node.is_string()) return "wants a text";
        const std::string name = *node.value<std::string>();
        if (!policy.has_group(name)) return "there is no section [" + path_of("group", name) + "]";
        target = name;
        return "";
    };
}

// With no name: in none, whatever lower sources say.
Setter group_or_none(std::optional<std::string>& target, const HostPolicy& policy) {
    return [&](const toml::node& node) -> std::string {
        if (node.value<std::string>() != "") return group(target, policy)(node);
        target = "";
        return "";
    };
}

Setter groups(std::optional<std::vector<std::string>>& target, const HostPolicy& policy) {
    return [&](const toml::node& node) -> std::string {
        const toml::array* list = node.as_array();
        if (!list) return "wants a list of texts";
        std::vector<std::string> names;
        for (const toml::node& one : *list) {
            std::optional<std::string> name;
            if (std::string problem = group(name, policy)(one); !problem.empty()) return problem;
            names.push_back(*name);
        }
        target = std::move(names);
        return "";
    };
}

// Sections that are named by the user: [guest.web].
template <typename ReadOne>
void read_each(TomlReader& reader, const toml::table& file, const char* kind, ReadOne read_one) {
    const toml::table* sections = file[kind].as_table();
    if (!sections) return;
    for (const auto& [key, value] : *sections) {
        const std::string name(key.str()), path = path_of(kind, name);
        const toml::table* one = value.as_table();
        if (one)
            read_one(name, *one, path);
        else
            reader.complain(value.source().begin.line, path,
                            "is a section, write it as [" + path + "]");
    }
}

void read_guests(TomlReader& reader, const toml::table& file, const HostPolicy& host,
                 std::map<std::string, PolicyOverrides>& guests) {
    read_each(reader, file, "guest",
              [&](const std::string& name, const toml::table& table, const std::string& path) {
                  PolicyOverrides& words = guests[name];
                  Keys keys = keys_of(words);
                  keys["group"] = group_or_none(words.group, host);
                  keys["home"] = node_sequence(words.home);
                  reader.read(table, path, keys, {});
              });
}

void read_groups(TomlReader& reader, const toml::table& file,
                 std::map<std::string, GroupOverrides>& groups) {
    read_each(reader, file, "group",
              [&](const std::string& name, const toml::table& table, const std::string& path) {
                  if (!is_group_name(name))
                      reader.complain(table.source().begin.line, path,
                                      "a group's name is up to " + std::to_string(max_group_name) +
                                          " letters, digits, '.', '_' and '-'");
                  GroupOverrides& group = groups[name];
                  Keys keys = keys_of(group.members);
                  keys["arrangement"] = word(group.arrangement, named(arrangements));
                  keys["home"] = node_sequence(group.members.home);
                  reader.read(table, path, keys, {});
              });
}

void print_words(std::ostream& out, const PolicyOverrides& words) {
    if (words.mode) out << "mode = " << quoted(name(*words.mode)) << "\n";
    if (words.group) out << "group = " << quoted(*words.group) << "\n";
    if (words.nodes) out << "nodes = " << quoted(format_number_list(*words.nodes)) << "\n";
    if (words.home) out << "home = " << quoted(format_number_list(*words.home)) << "\n";
    if (words.memory) out << "memory = " << quoted(name(*words.memory)) << "\n";
    if (words.priority) out << "priority = " << *words.priority << "\n";
}

}  // namespace

void read_policy(TomlReader& reader, const toml::table& file, HostPolicy& policy) {
    if (const toml::table* table = file["policy"].as_table())
        reader.read(*table, "policy", keys_of(policy.defaults), {});
    read_groups(reader, file, policy.groups);
    if (const toml::table* table = file["ceiling"].as_table())
        reader.read(*table, "ceiling",
                    {{"mode", word(policy.ceiling_mode, named(modes))},
                     {"groups", groups(policy.ceiling_groups, policy)},
                     {"nodes", node_list(policy.ceiling_nodes)},
                     {"memory", word(policy.ceiling_memory, named(memory_policies))},
                     {"priority", priority(policy.ceiling_priority)}},
                    {});
    read_guests(reader, file, policy, policy.guests);
}

RunTimeOverrides parse_run_time(const std::string& content, const std::string& origin,
                                const HostPolicy& host) {
    TomlReader reader(origin);
    const toml::table file = reader.parse(content);
    reader.read(file, "", {}, {"group", "guest"});
    HostPolicy known = host;
    known.run_time = {};
    read_groups(reader, file, known.run_time.groups);
    read_guests(reader, file, known, known.run_time.guests);
    reader.throw_if_any();
    return known.run_time;
}

std::string policy_to_toml(const HostPolicy& policy) {
    std::ostringstream out;
    PolicyOverrides defaults = policy.defaults;
    const GuestPolicy built_in;
    defaults.mode = std::min(defaults.mode.value_or(built_in.mode), policy.ceiling_mode);
    defaults.memory = std::min(defaults.memory.value_or(built_in.memory), policy.ceiling_memory);
    defaults.priority =
        std::min(defaults.priority.value_or(built_in.priority), policy.ceiling_priority);
    out << "[policy]\n";
    print_words(out, defaults);
    out << "\n[ceiling]\n";
    print_words(out, {policy.ceiling_mode, std::nullopt, policy.ceiling_nodes, std::nullopt,
                      policy.ceiling_memory, policy.ceiling_priority});
    if (policy.ceiling_groups) {
        out << "groups = [";
        const char* before = "";
        for (const std::string& name : *policy.ceiling_groups) {
            out << before << quoted(name);
            before = ", ";
        }
        out << "]\n";
    }
    for (const auto& [name, words] : policy.guests) {
        out << "\n[" << path_of("guest", name) << "]\n";
        print_words(out, words);
    }
    for (const auto& [name, group] : policy.groups) {
        out << "\n[" << path_of("group", name) << "]\n";
        if (group.arrangement)
            out << "arrangement = " << quoted(vnuma::name(*group.arrangement)) << "\n";
        print_words(out, group.members);
    }
    return out.str();
}

}  // namespace vnuma::config_text
