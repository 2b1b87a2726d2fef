// `vnumactl policy`.
#pragma once

#include <string>
#include <vector>

#include "src/control/protocol/requests.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// Pure, but for the local time zone.
std::string format_policy(const control::PolicyView& view, const Terminal& terminal);

// What the words after `policy set` and `policy unset` mean. Without an option that names a target,
// the first word is a guest.
struct PolicyOptions {
    std::vector<std::string> words;
    std::string group, cgroup;
    bool defaults = false;
    std::string until;
    bool absent = false, persist = false;
    std::string configuration;  // the main file of the daemon

    bool has_target() const { return defaults || !group.empty() || !cgroup.empty(); }
};

// Takes the guest off the words. Throws UsageError if it is missing and `needed`.
control::PolicyTarget take_target(PolicyOptions& options, bool needed);

// "KEY=VALUE" each. Throws UsageError.
std::vector<control::Setting> parse_settings(const std::vector<std::string>& words);

}  // namespace vnuma::ctl
