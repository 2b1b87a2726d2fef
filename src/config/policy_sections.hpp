// The sections of a configuration file that say what is wanted for guests.
#pragma once

#include <string>

#include "policy/model/guest_policy.hpp"
#include "src/config/toml_reader.hpp"

namespace vnuma::config_text {

// [policy], [ceiling], [guest.NAME] and [group.NAME].
void read_policy(TomlReader& reader, const toml::table& file, HostPolicy& policy);

// A file of [guest.NAME] and [group.NAME] sections only, whose guests may be in groups of `host`,
// too. `origin` names it in errors. Throws ConfigError.
RunTimeOverrides parse_run_time(const std::string& content, const std::string& origin,
                                const HostPolicy& host);

// Of [policy] the values in effect, of guests and groups what was said.
std::string policy_to_toml(const HostPolicy& policy);

}  // namespace vnuma::config_text
