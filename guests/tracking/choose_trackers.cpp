#include "guests/tracking/choose_trackers.hpp"

#include "guests/discovery/guest_source.hpp"
#include "guests/tracking/damon/damon_tracker.hpp"
#include "guests/tracking/dirty_rate/dirty_rate_tracker.hpp"
#include "guests/tracking/idle_page/idle_page_tracker.hpp"
#include "guests/tracking/soft_dirty/soft_dirty_tracker.hpp"

namespace vnuma {

std::vector<TrackerCandidate> choose_trackers(const TrackingSettings& settings, GuestSource& source,
                                              const Roots& roots) {
    // By what they tell, and what that takes. Soft-dirty tracking is nobody's second choice.
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
    std::string unused;
    probe_damon(roots.sysfs, TrackingSettings().scan_time,
                unused);  // what it makes it takes away again, with what was there
}

}  // namespace vnuma
