#include "guests/tracking/tracking_schedule.hpp"
#include "guests/tracking/scan_period.hpp"

namespace vnuma {
namespace {

// Reading nodes after moves takes a hundredth of the time.
constexpr int rest_factor = 100;

}  // namespace

TrackingSchedule::TrackingSchedule(const TrackingSettings& settings)
    : round_time_(settings.round_time),
      longest_wait_(settings.period.most),
      budget_(settings.overhead_permille),
      scans_(settings),
      rounds_(settings) {}

bool TrackingSchedule::scan_due(Time now) const {
    const bool rounds_first = !rounds_.has_two_rounds() && (rounds_.due(now) || rounds_.running());
    if (rounds_first && scans_.state().scans > 0) return false;
    return scans_.due(now) && !(rounds_.due(now) && rounds_.last_attempt() < scans_.last());
}

bool TrackingSchedule::round_due(Time now) const {
    return rounds_.due(now) && (!rounds_.has_two_rounds() || !scans_.due(now) ||
                                scans_.last() >= rounds_.last_attempt());
}

void TrackingSchedule::restart() {
    scans_.restart();
    rounds_.restart();
}

bool TrackingSchedule::finish_scan(HeatTable& table, bool well_placed, Time now) {
    const int before = scans_.state().agreement;
    const bool held_up = rounds_.has_run_since(scans_.last());
    if (!scans_.finish(table, well_placed, held_up, budget_, now)) return false;
    const int after = scans_.state().agreement;
    // Which vCPUs access the memory that is used now may not be known.
    if (before >= ScanPeriod::disagreeing && after < ScanPeriod::disagreeing) rounds_.restart();
    nodes_outdated_ = true;
    return true;
}

bool TrackingSchedule::observation_over(Time now) const {
    return rounds_.running() ? rounds_.over(now) : now >= observing_since_ + round_time_;
}

bool TrackingSchedule::may_read_nodes(Time now) const {
    if (memory_moved_ && now >= nodes_read_at_ + reading_nodes_took_ * rest_factor) return true;
    return budget_.allows(std::chrono::nanoseconds(0), longest_wait_);
}

void TrackingSchedule::begin_reading_nodes(Time now) {
    nodes_outdated_ = memory_moved_ = false;
    nodes_read_at_ = now;
}

void TrackingSchedule::charge_reading_nodes(std::chrono::nanoseconds cost) {
    reading_nodes_took_ = cost;
    budget_.charge(cost);
}

}  // namespace vnuma
