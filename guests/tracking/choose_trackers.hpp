// Chooses the heat trackers that may serve on this host.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/settings.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// A tracker that the configuration allows. While the host lacks what the tracker needs, `tracker`
// is null, `why_not` says what is missing, and `probe` is called again now and then.
struct TrackerCandidate {
    const char* name = "";
    std::function<std::unique_ptr<HeatTracker>(std::string& why_not)> probe;
    std::unique_ptr<HeatTracker> tracker{};
    std::string why_not{};
};

// The trackers that tracking.heat allows, best first. `source` lists the guests and must outlive
// the trackers.
std::vector<TrackerCandidate> choose_trackers(const TrackingSettings& settings, GuestSource& source,
                                              const Roots& roots);

// Removes what a killed vnumad has left in the kernel, whichever trackers are chosen now.
void remove_leftovers(const Roots& roots);

}  // namespace vnuma
