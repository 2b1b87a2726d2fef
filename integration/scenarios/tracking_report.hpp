// What a report of vnumad says about access tracking, and the workload's truth beside it, as
// values. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "integration/scenarios/accuracy.hpp"

namespace vnuma::lab {

// Of a guest of a report with [report] heat_map on; none while there is no "map" yet. What has not
// the format throws nlohmann::json's exceptions: vnumad is under test.
std::vector<Claim> claims_of(const nlohmann::json& guest);

// Of what RunningGuest::truth_of() returns: what threads touch, and all memory of all buffers.
std::vector<TrueAccesses> true_accesses_of(const nlohmann::json& truth);
std::vector<PhysicalRange> buffers_of(const nlohmann::json& truth);

// What the guest's map is worth.
Accuracy accuracy_of(const nlohmann::json& guest, const nlohmann::json& truth);

// A configuration: of the mode and interval that `head` gives.
std::string with_tracking(const std::string& head, const std::string& tracking,
                          bool with_map = true);

}  // namespace vnuma::lab
