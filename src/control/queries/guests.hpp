// Guests as the control socket tells of them. Pure. No tick may be blind.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"
#include "src/report/tick.hpp"

namespace vnuma::control {

struct DoingAndWhy {
    Doing doing = Doing::at_home;
    std::string why{};  // in words, without a full stop; empty where nothing is to be told

    friend bool operator==(const DoingAndWhy&, const DoingAndWhy&) = default;
};
// What is being done with the guest, as Doing says.
DoingAndWhy find_doing(const Tick& tick, std::size_t guest);

GuestSummary summarize_guest(const Tick& tick, std::size_t guest);
// In the order of the tick: by UUID.
std::vector<GuestSummary> summarize_guests(const Tick& tick);

GuestDetails describe_guest(const Tick& tick, std::size_t guest);

}  // namespace vnuma::control
