// What a report says of tracking.
#pragma once

#include <nlohmann/json.hpp>

#include "guests/model/sample.hpp"

namespace vnuma {

// Of the host: what there is to track with.
nlohmann::json report_tracking(const Sample& sample);

// Of one guest. `now` is the sample's time.
nlohmann::json report_tracking(const TrackingSample& tracking,
                               std::chrono::steady_clock::time_point now);

}  // namespace vnuma
