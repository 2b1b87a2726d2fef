#include "guests/tracking/choose_trackers.hpp"

#include "guests/discovery/guest_source.hpp"
#include "guests/tracking/damon/damon_tracker.hpp"
#include "guests/tracking/dirty_rate/dirty_rate_tracker.hpp"
#include "guests/tracking/idle_page/idle_page_tracker.hpp"
#include "guests/tracking/soft_dirty/soft_dirty_tracker.hpp"

namespace vnuma {

std::vector<TrackerCandidate> choose_trackers(const TrackingSettings& settings, GuestSource& source,
                                              const Roots& roots) {
    // In the order of what they find out, and what that costs. Soft-dirty tracking is used only
    // where it is configured, since it disturbs the guest and other users of the soft-dirty bits.
    std::vector<std::pair<HeatChoice, decltype(TrackerCandidate::probe)>> known;
    known.emplace_back(HeatChoice::damon, [roots, time = settings.scan_time](std::string& why_not) {
        return probe_damon(roots.sysfs, time, why_not);
    });
    known.emplace_back(HeatChoice::idle_page, probe_idle_pages);
    known.emplace_back(HeatChoice::dirty_rate, [&source](std::string& why_not) {
        return probe_dirty_rate(source, why_not);
    });
    known.emplace_back(HeatChoice::soft_dirty, probe_soft_dirty);
    std::vector<TrackerCandidate> chosen;
    for (auto& [choice, probe] : known)
        if (choice == settings.heat ||
            (settings.heat == HeatChoice::automatic && choice != HeatChoice::soft_dirty))
            chosen.push_back({name(choice), std::move(probe)});
    return chosen;
}

void remove_leftovers(const Roots& roots) {
    // The tracker takes over the kdamonds of a killed vnumad, and its destructor removes them.
    std::string unused;
    probe_damon(roots.sysfs, TrackingSettings().scan_time, unused);
}

}  // namespace vnuma
