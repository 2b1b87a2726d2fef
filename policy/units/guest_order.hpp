// The order in which guests are planned: it makes the plan independent of their order in the
// snapshot. Pure.
#pragma once

#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma {

std::vector<const GuestState*> sorted_by_uuid(const std::vector<GuestState>& guests);

}  // namespace vnuma
