// `vnumactl explain GUEST`.
#pragma once

#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// In sentences. Pure.
std::string format_explanation(const control::Explanation& explanation, const Terminal& terminal);

}  // namespace vnuma::ctl
