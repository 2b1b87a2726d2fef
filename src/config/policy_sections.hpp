// The sections of a configuration file that set the policy of guests and groups.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model/guest_policy.hpp"
#include "src/config/toml_reader.hpp"

namespace vnuma::config_text {

// Keys of the sections [policy], [ceiling], [guest.NAME] and [group.NAME]; those of [cgroup.PATH]
// are a guest's. `policy` tells which groups there are. They refer to their arguments, which must
// outlive them.
std::vector<Key> policy_keys(PolicyOverrides& defaults);
std::vector<Key> ceiling_keys(HostPolicy& policy);
std::vector<Key> guest_keys(PolicyOverrides& guest, const HostPolicy& policy);
std::vector<Key> group_keys(GroupOverrides& group);

// Key of every section of the run-time policy.
Key until_key(std::optional<std::int64_t>& until);

// Whether it is a path of a control group, or a pattern of paths.
bool is_cgroup_pattern(std::string_view path);

// One file of the configuration.
struct PolicyFile {
    TomlReader& reader;
    const toml::table& table;
};

// All of these sections of all files. Later files win, key by key.
void read_policy(const std::vector<PolicyFile>& files, HostPolicy& policy);

// When sections end, as in HostPolicy::run_time_until.
using SectionEnds = std::map<std::string, std::int64_t>;

struct RunTimeSections {
    RunTimeOverrides overrides;
    SectionEnds ends{};

    friend bool operator==(const RunTimeSections&, const RunTimeSections&) = default;
};

// A file of [policy], [guest.NAME], [cgroup.PATH] and [group.NAME] sections only, whose guests may
// be in groups of `host` too. `origin` names the text in problems. Throws ConfigError.
RunTimeSections parse_run_time_policy(const std::string& content, const std::string& origin,
                                      const HostPolicy& host);

// Those that have not ended at this time. A group that has ended stays as an empty one as long as
// sections of guests name it and `host` does not have it, since they would be mistakes without it.
RunTimeSections without_ended(const RunTimeSections& sections, const HostPolicy& host,
                              std::int64_t now_ms);

// The sections of guests and control groups that make guests members of the group.
std::vector<std::string> find_members(const RunTimeOverrides& policy, const std::string& group);

// The text that parses to these sections, in a fixed order. Throws nlohmann::json::exception if the
// name of a section is not UTF-8.
std::string run_time_policy_to_toml(const RunTimeSections& sections, const HostPolicy& host);

// [policy] with the values in effect, [guest.NAME], [cgroup.PATH] and [group.NAME] with the values
// that they set. UUIDs are printed in libvirt's spelling.
std::string policy_to_toml(const HostPolicy& policy);

}  // namespace vnuma::config_text
