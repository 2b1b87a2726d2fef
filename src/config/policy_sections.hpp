// The sections of a configuration file that set the policy of guests and groups.
#pragma once

#include <string>
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

// All of these sections.
void read_policy(TomlReader& reader, const toml::table& file, HostPolicy& policy);

// A file of [guest.NAME], [cgroup.PATH] and [group.NAME] sections only, whose guests may be in
// groups of `host` too. `origin` names the text in problems. Throws ConfigError.
RunTimeOverrides parse_run_time_policy(const std::string& content, const std::string& origin,
                                       const HostPolicy& host);

// [policy] with the values in effect, [guest.NAME], [cgroup.PATH] and [group.NAME] with the values
// that they set. UUIDs are printed in libvirt's spelling.
std::string policy_to_toml(const HostPolicy& policy);

}  // namespace vnuma::config_text
