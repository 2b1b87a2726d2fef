// Which ways there are to find out a guest's heat on this host.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/model/settings.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// One tracker that may serve, best first in a list of them. It is tried again now and then while it
// is not there.
struct TrackerCandidate {
    const char* name = "";
    std::function<std::unique_ptr<HeatTracker>(std::string& why_not)> probe;
    std::unique_ptr<HeatTracker> tracker{};
    std::string why_not{};
};

// As the settings choose. The source is the guests', and outlives the trackers.
std::vector<TrackerCandidate> choose_trackers(const TrackingSettings& settings, GuestSource& source,
                                              const Roots& roots);

// What a killed vnumad has left in the kernel, whichever trackers are chosen.
void remove_leftovers(const Roots& roots);

}  // namespace vnuma
