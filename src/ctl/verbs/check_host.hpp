// `vnumactl check-host`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/ctl/host/features.hpp"
#include "src/ctl/terminal.hpp"

namespace vnuma::ctl {

// All are pure.
std::string format_features(const std::vector<Feature>& features, const Terminal& terminal);
// [{"feature", "state", "found", "remedy"}]; without a remedy where nothing is to be mended.
nlohmann::json features_as_json(const std::vector<Feature>& features);
bool can_work(const std::vector<Feature>& features);

}  // namespace vnuma::ctl
