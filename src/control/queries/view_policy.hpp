// Policies with the source of each value. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "policy/resolve_policy.hpp"
#include "src/control/protocol/requests.hpp"
#include "src/report/tick.hpp"

namespace vnuma::control {

// Sources of values are "built-in", "configuration", "group NAME" (of the configuration),
// "metadata", "ceiling", "run-time" (a section of the guest itself), "run-time, group NAME",
// "run-time, defaults", and the source of a limit of the moment: "coexist.numad", or
// "run-time policy" where its file cannot be used.

// The policy of a guest from Tick::policy, which may be newer than the tick. A home that an
// operator has ordered once is no policy. The tick must not be blind.
TracedPolicy trace_guest(const Tick& tick, std::size_t guest);

// All keys of a guest.
std::vector<PolicyValue> values_of_guest(const Tick& tick, std::size_t guest);

// The policy of what is named. A guest that does not run, and a pattern of guests, have the values
// of the section that is named so; without such a section, a guest is not found. Sections and
// defaults have the keys that are set, the defaults and groups all that have a built-in value too.
std::variant<PolicyView, Refused> view_policy(const Tick& tick, const PolicyTarget& target);

}  // namespace vnuma::control
