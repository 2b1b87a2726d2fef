// `vnumactl events`, and the events of `explain --since`.
#pragma once

#include <string>
#include <vector>

#include "src/control/protocol/events.hpp"
#include "src/ctl/connection.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// One line: time, event, guest, text. Pure, but for the local time zone.
std::string format_event(const control::Happening& happening, const Terminal& terminal);
std::string format_events(const std::vector<control::Happening>& happenings,
                          const Terminal& terminal);

// An event of the socket. One of a kind that this version does not know keeps its name in the text.
control::Happening happening_of(const ControlEvent& event);

}  // namespace vnuma::ctl
