#include "guests/tracking/heat/heat_scans.hpp"

#include "guests/process/cpu_time.hpp"
#include "guests/tracking/heat/chunk_levels.hpp"

namespace vnuma {
namespace {

// Ticks are not exact to the millisecond, so a scan may be this share of its time shorter.
constexpr int tolerance_divisor = 10;

}  // namespace

std::string HeatScans::reason_to_skip(const HeatTracker& tracker, const GuestSample& guest,
                                      bool may_disturb, Time now) const {
    const std::string name = tracker.name();
    if (const std::string effect = tracker.side_effect(); !may_disturb && !effect.empty())
        return name + " " + effect + ", and vnumad may only observe this guest";
    const auto failed = failures_.find(&tracker);
    if (failed != failures_.end() && now < failed->second.paused_until)
        return failed->second.reason;
    if (std::string reason = tracker.unsupported_reason(guest); !reason.empty()) return reason;
    const std::chrono::microseconds stall = tracker.stall(guest);
    if (stall <= longest_stall_) return {};
    return "a scan by " + name + " would hold up the guest for " +
           std::to_string(std::chrono::ceil<std::chrono::milliseconds>(stall).count()) +
           " ms, which is more than tracking.longest_stall";
}

HeatTracker* HeatScans::choose_tracker(const std::vector<HeatTracker*>& trackers,
                                       const GuestSample& guest, bool may_disturb, Time now) {
    std::string first_reason;
    for (HeatTracker* candidate : trackers) {
        const std::string reason = reason_to_skip(*candidate, guest, may_disturb, now);
        if (reason.empty()) return candidate;
        if (first_reason.empty()) first_reason = reason;
    }
    set_no_tracker(std::move(first_reason), now);
    return nullptr;
}

void HeatScans::begin(const std::vector<HeatTracker*>& trackers, const GuestSample& guest,
                      bool may_disturb, TrackingBudget& budget, Time now) {
    state_.waits_for = budget.why_not(std::chrono::nanoseconds(0), limits_.most);
    if (!state_.waits_for.empty()) return;
    const auto cpu = thread_cpu_time();
    if (HeatTracker* tracker = choose_tracker(trackers, guest, may_disturb, now)) {
        estimate_ = tracker->estimate(guest);
        state_.waits_for = budget.why_not(estimate_, limits_.most);
        if (state_.waits_for.empty())
            begin_with(*tracker, guest, now);
        else
            skip_period(now);
    }
    budget.charge(thread_cpu_time() - cpu);
}

void HeatScans::begin_with(HeatTracker& tracker, const GuestSample& guest, Time now) {
    std::string failure;
    try {
        pending_ = tracker.begin(guest, scan_time_ - scan_time_ / tolerance_divisor);
        if (!pending_) {
            state_.waits_for =
                std::string(tracker.name()) + " already runs as many scans as it can";
            return;
        }
    } catch (const TrackingError& error) {
        failure = error.what();
    }
    period_.begin(now);
    began_ = now;
    tracker_ = &tracker;
    if (!pending_) return record_failure(std::move(failure));
    state_.tracker = tracker.name();
    state_.ability = tracker.ability(guest);
}

void HeatScans::abandon(TrackingBudget& budget) {
    if (!pending_) return;
    pending_.reset();
    budget.charge(estimate_);  // the true cost is unknown
}

void HeatScans::skip_period(Time now) {
    period_.begin(now);
    began_ = now;
}

void HeatScans::set_no_tracker(std::string reason, Time now) {
    skip_period(now);
    state_.tracker = "none";
    state_.ability = {};
    state_.trouble = std::move(reason);
}

bool HeatScans::over(Time now) const {
    return pending_ && now >= began_ + scan_time_ - scan_time_ / tolerance_divisor;
}

bool HeatScans::finish(HeatTable& table, bool well_placed, bool held_up, TrackingBudget& budget,
                       Time now) {
    const auto cpu = thread_cpu_time();
    bool table_changed = false;
    try {
        const std::optional<HeatScan> scan = pending_->finish();
        if (scan) {
            budget.charge(scan->cost);
            table_changed = merge(*scan, table, well_placed, held_up, now);
        }
        if (scan || now > began_ + scan_time_ + result_timeout) pending_.reset();
        if (!scan && !pending_) {
            budget.charge(estimate_);
            record_failure("a scan had no result " + std::to_string(result_timeout.count()) +
                           " s after it should have ended");
        }
    } catch (const TrackingError& error) {
        pending_.reset();
        budget.charge(estimate_);  // the true cost is unknown
        record_failure(error.what());
    }
    budget.charge(thread_cpu_time() - cpu);
    return table_changed;
}

bool HeatScans::merge(const HeatScan& scan, HeatTable& table, bool well_placed, bool held_up,
                      Time now) {
    failures_[tracker_].in_a_row = 0;
    state_.trouble = scan.warning;
    for (const auto& [tracker, failed] : failures_)
        if (state_.trouble.empty() && now < failed.paused_until) state_.trouble = failed.reason;
    state_.writes = scan.writes;
    if (scan.writes) state_.ability.per_vcpu = !scan.writes->by_vcpu.empty();
    ++state_.scans;
    state_.last = now;
    // A scan that does not measure chunks has no earlier scan to differ from.
    state_.agreement = 1000;
    if (state_.ability.per_chunk) {
        last_chunk_scan_ = now;
        // With a single sample the table forgets no heat at once, which is what a guest that was
        // held up needs.
        state_.agreement = table.merge(levels_by_chunk(scan.accessed, table.grid()),
                                       held_up ? 1 : scan.samples, !state_.ability.reads);
    }
    period_.learn(state_.agreement, well_placed);
    state_.period = period_.length();
    return state_.ability.per_chunk;
}

void HeatScans::record_failure(std::string reason) {
    state_.trouble = std::move(reason);
    Failures& failed = failures_[tracker_];
    if (++failed.in_a_row >= max_failures_in_a_row)
        failed = {0, std::string(tracker_->name()) + ": " + state_.trouble,
                  began_ + pause_after_failures};
    period_.back_off();
    state_.period = period_.length();
}

}  // namespace vnuma
