// `vnumactl status`.
#pragma once

#include <string>

#include "src/control/protocol/status.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// One screen. Pure, but for the local time zone.
std::string format_status(const control::Status& status, const Terminal& terminal);

}  // namespace vnuma::ctl
