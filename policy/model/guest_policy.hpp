// The policy of one guest: what each source of policy sets, and what results from all of them.
// Values only.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vnuma {

// What vnumad does with a guest, in the order of what is allowed.
enum class Mode {
    off,      // nothing: the guest is not planned
    observe,  // samples and plans the guest, does nothing to it
    advise,   // the same, and reports the actions that `act` would take
    act,      // takes the actions
};

inline constexpr std::array<std::pair<Mode, const char*>, 4> modes{{
    {Mode::off, "off"},
    {Mode::observe, "observe"},
    {Mode::advise, "advise"},
    {Mode::act, "act"},
}};

constexpr const char* name(Mode mode) {
    return modes[static_cast<std::size_t>(mode)].second;
}

// How much of a cell's memory is moved to its home, in the order of what is allowed.
enum class MemoryPolicy {
    none,   // none: only the vCPUs go there
    lazy,   // all, if the guest uses it enough for the move to pay back within the horizon
    eager,  // all
};

inline constexpr std::array<std::pair<MemoryPolicy, const char*>, 3> memory_policies{{
    {MemoryPolicy::none, "none"},
    {MemoryPolicy::lazy, "lazy"},
    {MemoryPolicy::eager, "eager"},
}};

constexpr const char* name(MemoryPolicy policy) {
    return memory_policies[static_cast<std::size_t>(policy)].second;
}

// Where the members of a group are placed in relation to each other.
enum class Arrangement {
    none,      // anywhere: the members only share the group's policy
    together,  // all on one home node
    apart,     // no two members on one node
};

inline constexpr std::array<std::pair<Arrangement, const char*>, 3> arrangements{{
    {Arrangement::none, "none"},
    {Arrangement::together, "together"},
    {Arrangement::apart, "apart"},
}};

constexpr const char* name(Arrangement arrangement) {
    return arrangements[static_cast<std::size_t>(arrangement)].second;
}

// The value with this name in one of the tables above.
template <typename Value, std::size_t count>
constexpr std::optional<Value> find_by_name(
    const std::array<std::pair<Value, const char*>, count>& table, std::string_view text) {
    for (const auto& [value, name] : table)
        if (text == name) return value;
    return std::nullopt;
}

// Group names appear in domain metadata and in reports, so they consist of letters, digits, '.',
// '_' and '-' only.
inline constexpr std::size_t max_group_name = 64;
bool is_group_name(std::string_view name);

inline constexpr int min_priority = -100, max_priority = 100;

// What one source sets for a guest. Keys without a value are left to the sources of lower
// precedence. Nodes have the kernel's numbers.
struct PolicyOverrides {
    std::optional<Mode> mode;
    std::optional<std::string> group;  // empty: the guest is in no group
    std::optional<std::vector<int>> nodes;
    std::optional<std::vector<int>> home;  // one node per cell by cell number, or one for all cells
    std::optional<MemoryPolicy> memory;
    std::optional<int> priority;  // weight of the guest's costs against others'; 0 is ordinary

    friend bool operator==(const PolicyOverrides&, const PolicyOverrides&) = default;
};

struct GroupOverrides {
    std::optional<Arrangement> arrangement{};
    PolicyOverrides members{};  // `group` is ignored

    friend bool operator==(const GroupOverrides&, const GroupOverrides&) = default;
};

// What names a guest: all that its sections are found by.
struct GuestIdentity {
    std::string uuid, name;
    std::string cgroup{};  // path of its process' control group, "/machine.slice/..."; may be empty

    friend bool operator==(const GuestIdentity&, const GuestIdentity&) = default;
};

// Sections of guests, by what stands between the brackets: a UUID as normalize_guest_name() writes
// it, a name, or a shell pattern of names; or the path of a control group, or a pattern of paths.
using PolicySections = std::map<std::string, PolicyOverrides>;

// The run-time policy. Its groups extend those of the configuration or are additional ones.
struct RunTimeOverrides {
    PolicySections guests, cgroups;
    std::map<std::string, GroupOverrides> groups;
    PolicyOverrides defaults{};  // section [policy], for all guests

    friend bool operator==(const RunTimeOverrides&, const RunTimeOverrides&) = default;
};

// A limit that holds for as long as something else does, whatever the sources of a policy set.
struct PolicyLimit {
    std::string source;  // in problems; "run-time policy"
    std::string why;     // a sentence without its end: "the file cannot be used"
    Mode mode = Mode::act;
    MemoryPolicy memory = MemoryPolicy::eager;
    std::optional<std::set<std::string>> guests{};  // uuids; all guests if there is no value

    friend bool operator==(const PolicyLimit&, const PolicyLimit&) = default;
};

// What the host's administrator sets for all guests. The ceiling limits what the other sources can
// set, since whoever may edit a domain writes its metadata.
struct HostPolicy {
    PolicyOverrides defaults;  // section [policy] of the configuration
    // Sections [guest.*] and [cgroup.*] of the configuration; see find_sections().
    PolicySections guests, cgroups;
    std::map<std::string, GroupOverrides> groups;  // sections [group.*] of the configuration
    RunTimeOverrides run_time;
    // When sections of the run-time policy end, ms since 1970, by what names them: "policy",
    // "guest.web1", "cgroup./kubepods/*", "group.db". The others hold until they are removed.
    std::map<std::string, std::int64_t> run_time_until{};
    Mode ceiling_mode = Mode::act;
    std::optional<std::vector<int>> ceiling_nodes;
    MemoryPolicy ceiling_memory = MemoryPolicy::eager;
    int ceiling_priority = max_priority;
    // Groups that guests may be members of; all if there is no value.
    std::optional<std::vector<std::string>> ceiling_groups{};
    std::vector<PolicyLimit> limits{};  // in force at this moment

    bool has_group(const std::string& name) const {
        return groups.contains(name) || run_time.groups.contains(name);
    }
    // Arrangement of every group. The run-time policy takes precedence over the configuration.
    std::map<std::string, Arrangement> arrangements() const;
};

// The policy in force for one guest.
struct GuestPolicy {
    Mode mode = Mode::act;
    MemoryPolicy memory = MemoryPolicy::lazy;
    int priority = 0;
    std::string group;                      // empty: none
    std::optional<std::vector<int>> nodes;  // allowed by policy, sorted; all if there is no value
    std::vector<int> home;                  // fixed home of each cell; empty: no home is fixed
    // Settings that are impossible or contradict others, one sentence for each, which begins with
    // the source and the key. The interpretation in force is the one that allows less.
    std::vector<std::string> problems;

    friend bool operator==(const GuestPolicy&, const GuestPolicy&) = default;
};

}  // namespace vnuma
