// What is wanted for one guest, said in several places and put together. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vnuma {

// What may be done, each including what the ones before do.
enum class Mode {
    off,      // the guest is not planned at all
    observe,  // samples and plans, touches nothing
    advise,   // says what it would do
    act,
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

// Which of a cell's memory follows it to its home.
enum class MemoryPolicy {
    none,   // none: vCPUs only
    lazy,   // all, where it is used enough to pay back
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

enum class Arrangement {
    none,      // the group only has its members' policy in common
    together,  // one home for all of them
    apart,     // no two on one node
};

inline constexpr std::array<std::pair<Arrangement, const char*>, 3> arrangements{{
    {Arrangement::none, "none"},
    {Arrangement::together, "together"},
    {Arrangement::apart, "apart"},
}};

constexpr const char* name(Arrangement arrangement) {
    return arrangements[static_cast<std::size_t>(arrangement)].second;
}

// The value of a table above that is called so.
template <typename Value, std::size_t count>
constexpr std::optional<Value> find_word(
    const std::array<std::pair<Value, const char*>, count>& words, std::string_view text) {
    for (const auto& [value, word] : words)
        if (text == word) return value;
    return std::nullopt;
}

// Groups are named in domains' metadata and in reports, so their names are plain: letters, digits,
// '.', '_' and '-'.
inline constexpr std::size_t max_group_name = 64;
bool is_group_name(std::string_view name);

inline constexpr int least_priority = -100, most_priority = 100;

// What one source says of a guest. What it leaves out is up to the sources below it. Nodes are the
// kernel's numbers.
struct PolicyOverrides {
    std::optional<Mode> mode;
    std::optional<std::string> group;  // empty: none
    std::optional<std::vector<int>> nodes;
    std::optional<std::vector<int>> home;  // of each cell in their order; one for all, if it is one
    std::optional<MemoryPolicy> memory;
    std::optional<int> priority;  // of its costs against others'; 0 is ordinary

    friend bool operator==(const PolicyOverrides&, const PolicyOverrides&) = default;
};

struct GroupOverrides {
    std::optional<Arrangement> arrangement{};
    PolicyOverrides members{};  // `group` is not used

    friend bool operator==(const GroupOverrides&, const GroupOverrides&) = default;
};

// What was said since vnumad was started. A group may be one of the configuration or a new one.
struct RunTimeOverrides {
    std::map<std::string, PolicyOverrides> guests;  // by name or uuid
    std::map<std::string, GroupOverrides> groups;

    friend bool operator==(const RunTimeOverrides&, const RunTimeOverrides&) = default;
};

// What the host's administrator sets for all guests. Metadata cannot go beyond the ceiling: it is
// written by whoever may edit a domain.
struct HostPolicy {
    PolicyOverrides defaults;                       // of the configuration
    std::map<std::string, PolicyOverrides> guests;  // of the configuration, by name or uuid; where
                                                    // a guest has both, uuid's win
    std::map<std::string, GroupOverrides> groups;  // of the configuration
    RunTimeOverrides run_time;
    Mode ceiling_mode = Mode::act;
    std::optional<std::vector<int>> ceiling_nodes;
    MemoryPolicy ceiling_memory = MemoryPolicy::eager;
    int ceiling_priority = most_priority;
    std::optional<std::vector<std::string>> ceiling_groups{};  // that guests may be in; none: all

    bool has_group(const std::string& name) const {
        return groups.contains(name) || run_time.groups.contains(name);
    }
    // All groups, as the highest source has it.
    std::map<std::string, Arrangement> arrangements() const;
};

// What one guest's policy comes to.
struct GuestPolicy {
    Mode mode = Mode::act;
    MemoryPolicy memory = MemoryPolicy::lazy;
    int priority = 0;
    std::string group;                      // empty: none
    std::optional<std::vector<int>> nodes;  // allowed by policy, sorted; none: all
    std::vector<int> home;                  // fixed, of each cell; empty: none is
    // What cannot be, or contradicts something else, each a sentence that names its source and key.
    // The safest reading is in force: what allows less.
    std::vector<std::string> problems;

    friend bool operator==(const GuestPolicy&, const GuestPolicy&) = default;
};

}  // namespace vnuma
