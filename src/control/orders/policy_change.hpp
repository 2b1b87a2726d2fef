// Changes of the run-time policy that an operator orders: what is set and unset in one section.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "src/config/policy_sections.hpp"
#include "src/control/protocol/requests.hpp"

namespace vnuma::control {

// How long values can be set for at most: one year.
inline constexpr std::int64_t max_policy_time_ms = std::int64_t{366} * 24 * 3'600'000;
// Bytes of what names a guest or control group; a path of the kernel has at most 4096.
inline constexpr std::size_t max_section_name = 4096;

// A section of the run-time policy.
struct PolicySection {
    enum class Kind { defaults, guest, cgroup, group };

    Kind kind = Kind::defaults;
    std::string name;  // empty for the defaults

    friend bool operator==(const PolicySection&, const PolicySection&) = default;
};

// The section that a request names. A guest stays as it is given, but for the spelling of a UUID:
// libvirt's number or a pid has to be replaced by the guest's UUID before.
std::variant<PolicySection, Refused> section_of(const PolicyTarget& target);

// "the defaults", "guest web1", "cgroup /kubepods/*", "group web".
std::string describe(const PolicySection& section);

// As in HostPolicy::run_time_until: "policy", "guest.web1", ...
std::string path_of(const PolicySection& section);

// Sets values of a section, which is made if it is missing. `for_ms`: the section ends after this
// time; without it, it holds until it is unset. A section has one end for all of its values, so a
// request is refused that would set an end for other values that have none, or take theirs away.
// `host` is the configuration's policy. Nothing is changed if it is refused.
// Both throw nlohmann::json::exception if a value is not UTF-8.
std::optional<Refused> set_values(config_text::RunTimeSections& policy, const HostPolicy& host,
                                  const PolicySection& section,
                                  const std::vector<Setting>& settings,
                                  std::optional<std::int64_t> for_ms, std::int64_t now_ms);

// Takes values of a section away, or all of it if there are no keys. Refused if none of them is
// set. A group that sections of guests name stays as an empty one.
std::optional<Refused> unset_values(config_text::RunTimeSections& policy, const HostPolicy& host,
                                    const PolicySection& section,
                                    const std::vector<std::string>& keys);

}  // namespace vnuma::control
