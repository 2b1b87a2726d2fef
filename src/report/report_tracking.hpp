// Access tracking in the report.
#pragma once

#include <nlohmann/json.hpp>

#include "guests/model/sample.hpp"

namespace vnuma {

// Which trackers this host has.
nlohmann::json report_tracking(const Sample& sample);

// What is known of one guest. `now` is the sample's time.
nlohmann::json report_tracking(const TrackingSample& tracking,
                               std::chrono::steady_clock::time_point now);

}  // namespace vnuma
