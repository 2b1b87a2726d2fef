// Which guest of a tick is meant. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <variant>

#include "src/control/protocol/requests.hpp"
#include "src/report/tick.hpp"

namespace vnuma::control {

// UUIDs that are listed in an error where several guests have one name.
inline constexpr std::size_t max_listed_uuids = 8;

// The index in Tick::snapshot of the guest with this name; else with this UUID in any spelling, or
// this key where the guest has none; else with this number of libvirt; else with this pid. Refused
// if there is none, if several guests have the name, or if the tick is blind. If there is none, the
// error has the nearest name.
std::variant<std::size_t, Refused> find_guest(const Tick& tick, const std::string& name);

}  // namespace vnuma::control
