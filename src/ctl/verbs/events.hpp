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
std::string format_past_events(const control::PastEvents& past, const Terminal& terminal);

// What happened so far. Without a history the problem says that there is none.
control::PastEvents ask_past_events(Connection& connection,
                                    const control::SinceArguments& arguments);

// An event of the socket. One of a kind that this version does not know keeps its name in the text.
control::Happening happening_of(const ControlEvent& event);

}  // namespace vnuma::ctl
