// The parts of a report that repeat what was read of a guest.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "guests/model/sample.hpp"
#include "policy/model/guest_policy.hpp"

namespace vnuma {

// What tells of a guest's vCPUs, memory and state, in words.
std::string certainty_of(const GuestSample& guest);

nlohmann::json report_blocks(const std::vector<RamBlock>& blocks);
nlohmann::json report_chunks(const std::optional<ChunkCounts>& chunks);
nlohmann::json report_tuning(const DomainTuning& tuning);
nlohmann::json report_policy(const GuestPolicy& policy);

}  // namespace vnuma
