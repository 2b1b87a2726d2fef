// `vnumactl group`.
#pragma once

#include <string>
#include <vector>

#include "src/control/protocol/requests.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// Both are pure.
std::string format_groups(const std::vector<control::GroupView>& groups, const Terminal& terminal);
std::string format_group(const control::GroupView& group, const Terminal& terminal);

}  // namespace vnuma::ctl
