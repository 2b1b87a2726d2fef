#include "policy/limit_overrides.hpp"

#include <algorithm>

#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

constexpr std::size_t max_listed_nodes = 8;  // in one problem

std::string text_of(int number) {
    return std::to_string(number);
}
template <typename Value>
std::string text_of(Value value) {
    return name(value);
}

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

}  // namespace

std::string problem_of(const PolicySource& source, const char* key, const std::string& problem) {
    return source.name + ": " + key + ": " + problem;
}

std::string nodes_that(const std::vector<int>& nodes, const char* singular, const char* plural) {
    std::string text = nodes.size() == 1 ? "node " : "nodes ";
    for (std::size_t i = 0; i < std::min(nodes.size(), max_listed_nodes); ++i)
        text += (i > 0 ? ", " : "") + std::to_string(nodes[i]);
    if (nodes.size() > max_listed_nodes) text += ", ...";
    return text + " " + (nodes.size() == 1 ? singular : plural);
}

void OverridesLimiter::limit_group(PolicySource& source) {
    std::optional<std::string>& group = source.overrides.group;
    if (!group) return;
    if (!host_.has_group(*group)) {
        if (group->empty()) return;
        // A text that is not a name is not repeated: it may contain anything.
        complain(source, "group",
                 is_group_name(*group) ? quoted(*group) + " does not exist"
                                       : "must be up to " + std::to_string(max_group_name) +
                                             " letters, digits, '.', '_' and '-'");
        return;
    }
    if (!host_.ceiling_groups) return;
    const auto& allowed = *host_.ceiling_groups;
    if (std::find(allowed.begin(), allowed.end(), *group) != allowed.end()) return;
    complain(source, "group", quoted(*group) + " is not allowed by the ceiling");
    group.reset();
}

template <typename Value>
void OverridesLimiter::limit(const PolicySource& source, const char* key,
                             std::optional<Value>& value, Value ceiling) {
    if (!value || *value <= ceiling) return;
    complain(source, key, text_of(*value) + " exceeds the ceiling, limited to " + text_of(ceiling));
    value = ceiling;
}

void OverridesLimiter::limit_values(PolicySource& source) {
    PolicyOverrides& overrides = source.overrides;
    limit(source, "mode", overrides.mode, host_.ceiling_mode);
    limit(source, "memory", overrides.memory, host_.ceiling_memory);
    if (std::optional<int>& priority = overrides.priority; priority) {
        const int limited = std::clamp(*priority, min_priority, max_priority);
        if (limited != *priority)
            complain(source, "priority",
                     text_of(*priority) + " is not from " + text_of(min_priority) + " to " +
                         text_of(max_priority) + ", limited to " + text_of(limited));
        priority = limited;
    }
    limit(source, "priority", overrides.priority, host_.ceiling_priority);
}

void OverridesLimiter::limit_nodes(PolicySource& source) {
    if (!source.overrides.nodes) return;
    std::vector<int>& nodes = *source.overrides.nodes;
    nodes = sorted_unique(std::move(nodes));
    remove_missing(source, "nodes", nodes);
    remove_above_ceiling(source, "nodes", nodes);
}

void OverridesLimiter::limit_home(PolicySource& source) {
    if (!source.overrides.home) return;
    const std::size_t count = source.overrides.home->size();
    std::vector<int> nodes = sorted_unique(*source.overrides.home);
    bool possible = remove_missing(source, "home", nodes);
    possible = remove_above_ceiling(source, "home", nodes) && possible;
    remove_others(nodes, guest_.nodes_without_cpus);
    if (!nodes.empty()) {
        complain(source, "home", nodes_that_have_no_cpus(nodes));
        possible = false;
    }
    if (count != 1 && count != guest_.cells) {
        complain(source, "home",
                 "is set for " + std::to_string(count) + " cells, but the guest has " +
                     std::to_string(guest_.cells));
        possible = false;
    }
    if (!possible) source.overrides.home.reset();
}

bool OverridesLimiter::remove_missing(const PolicySource& source, const char* key,
                                      std::vector<int>& nodes) {
    const std::vector<int> missing = remove_others(nodes, nodes_);
    if (!missing.empty())
        complain(source, key,
                 nodes_that(missing, "does not exist on this host", "do not exist on this host"));
    return missing.empty();
}

bool OverridesLimiter::remove_above_ceiling(const PolicySource& source, const char* key,
                                            std::vector<int>& nodes) {
    if (!host_.ceiling_nodes) return true;
    const std::vector<int> above = remove_others(nodes, *host_.ceiling_nodes);
    if (!above.empty())
        complain(
            source, key,
            nodes_that(above, "is not allowed by the ceiling", "are not allowed by the ceiling"));
    return above.empty();
}

}  // namespace vnuma
