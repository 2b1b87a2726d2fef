// `vnumactl list`.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "src/control/protocol/guests.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

inline constexpr std::array<const char*, 7> sort_keys{"name",     "id",     "cpu",  "memory",
                                                      "locality", "moving", "doing"};

// Numbers fall, but ids and locality rise, so that what may need attention comes first. Guests that
// are equal are sorted by name. `key` is one of sort_keys. Pure.
void sort_guests(std::vector<control::GuestSummary>& guests, const std::string& key);

// A line for each guest. Pure.
std::string format_list(const std::vector<control::GuestSummary>& guests, const Terminal& terminal);

}  // namespace vnuma::ctl
