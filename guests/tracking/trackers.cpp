#include "guests/tracking/trackers.hpp"

#include "guests/tracking/damon_tracker.hpp"
#include "guests/tracking/dirty_rate.hpp"
#include "guests/tracking/idle_pages.hpp"
#include "guests/tracking/soft_dirty.hpp"

namespace vnuma {

std::vector<TrackerCandidate> choose_trackers(const TrackingSettings& settings, Source& source,
                                              const Roots& roots) {
    // By what they tell, and what that takes. Soft-dirty tracking is nobody's second choice.
    std::vector<std::pair<HeatChoice, decltype(TrackerCandidate::probe)>> known;
    known.emplace_back(HeatChoice::damon,
                       [roots](std::string& why_not) { return probe_damon(roots.sysfs, why_not); });
    known.emplace_back(HeatChoice::idle_page, probe_idle_pages);
    known.emplace_back(HeatChoice::dirty_rate, [&source](std::string& why_not) {
        return probe_dirty_rate(source, why_not);
    });
    known.emplace_back(
        HeatChoice::soft_dirty, [may = settings.may_induce_faults](std::string& why_not) {
            if (may) return probe_soft_dirty(why_not);
            why_not = "takes down what is mapped of a guest, and nothing is to be touched";
            return std::unique_ptr<HeatTracker>();
        });
    std::vector<TrackerCandidate> chosen;
    // Nor is QEMU's measurement where nothing is to be touched: it may protect memory for it.
    const auto serves_by_itself = [&](HeatChoice choice) {
        return choice != HeatChoice::soft_dirty &&
               (choice != HeatChoice::dirty_rate || settings.may_induce_faults);
    };
    for (auto& [choice, probe] : known)
        if (choice == settings.heat ||
            (settings.heat == HeatChoice::automatic && serves_by_itself(choice)))
            chosen.push_back({name(choice), std::move(probe)});
    return chosen;
}

}  // namespace vnuma
