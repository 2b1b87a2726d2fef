// Converts vnumad's report of access tracking, and the workload's "truth" message, into values that
// can be compared. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "integration/scenarios/accuracy.hpp"

namespace vnuma::lab {

// The claims in a guest's part of a report, with [report] heat_map on; empty before there is a
// "map". A report in another format throws exceptions of nlohmann::json, since vnumad is under
// test.
std::vector<Claim> claims_of(const nlohmann::json& guest);

// The accesses of the threads, and the memory of all buffers, from the result of
// RunningGuest::locate_windows().
std::vector<TrueAccesses> true_accesses_of(const nlohmann::json& truth);
std::vector<PhysicalRange> buffers_of(const nlohmann::json& truth);

// How accurate the guest's map is.
Accuracy accuracy_of(const nlohmann::json& guest, const nlohmann::json& truth);

// A configuration: the lines of `head`, those of `tracking` in [tracking], and [report] heat_map.
std::string with_tracking(const std::string& head, const std::string& tracking,
                          bool with_map = true);

}  // namespace vnuma::lab
