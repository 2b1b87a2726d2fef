// Explains to an operator who does not know vnumad where a guest is, where it should be, why, why
// not elsewhere, what is in the way, and what can be changed. Pure.
#pragma once

#include <cstddef>

#include "src/control/protocol/guests.hpp"
#include "src/report/tick.hpp"

namespace vnuma::control {

// Each text consists of whole sentences, which begin with a capital letter or a name. All numbers
// are those of the tick. What could be changed for the guest as a whole is among what could be
// changed for its first cell. The tick must not be blind.
Explanation explain_guest(const Tick& tick, std::size_t guest);

}  // namespace vnuma::control
