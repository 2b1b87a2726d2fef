#include "guests/tracking/trackers.hpp"

#include "guests/tracking/damon_tracker.hpp"

namespace vnuma {
namespace {

TrackerCandidate damon(const Roots& roots) {
    return {name(HeatChoice::damon),
            [roots](std::string& why_not) { return probe_damon(roots.sysfs, why_not); }};
}

}  // namespace

std::vector<TrackerCandidate> choose_trackers(const TrackingSettings& settings, Source&,
                                              const Roots& roots) {
    std::vector<TrackerCandidate> candidates;
    const auto chosen = [&](HeatChoice choice) {
        return settings.heat == choice || settings.heat == HeatChoice::automatic;
    };
    if (chosen(HeatChoice::damon)) candidates.push_back(damon(roots));
    return candidates;
}

}  // namespace vnuma
