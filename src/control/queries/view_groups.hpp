// Groups and their members. Pure.
#pragma once

#include <vector>

#include "src/control/protocol/requests.hpp"
#include "src/report/tick.hpp"

namespace vnuma::control {

// All groups of the policy, by name, also those without a running member; members in the order of
// the tick. Members' problems are those of their policies that the group is the source of. A blind
// tick has groups without members.
std::vector<GroupView> view_groups(const Tick& tick);

}  // namespace vnuma::control
