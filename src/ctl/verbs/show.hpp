// `vnumactl show GUEST`.
#pragma once

#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// Pure. What the report (docs/report.md) does not have, because it is of another version, is left
// out.
std::string format_show(const control::GuestDetails& details, const Terminal& terminal);

// Keys, values, sources and ends of a policy. Pure, but for the local time zone.
std::string format_policy_values(const std::vector<control::PolicyValue>& values,
                                 const Terminal& terminal);

}  // namespace vnuma::ctl
