#include "guests/tracking/heat/heat_scans.hpp"

#include "guests/process/cpu_time.hpp"

namespace vnuma {
namespace {

// A look may be cut short by this share: ticks do not come to the millisecond.
constexpr int tolerance_divisor = 10;

}  // namespace

std::string HeatScans::why_not(const HeatTracker& tracker, const GuestSample& guest,
                               bool may_disturb, Time now) const {
    if (const std::string touches = tracker.side_effect(); !may_disturb && !touches.empty())
        return std::string(tracker.name()) + " " + touches + ", and it is not to be touched";
    const auto failed = failures_.find(&tracker);
    if (failed != failures_.end() && now < failed->second.left_out_until) return failed->second.why;
    std::string why = tracker.why_not(guest);
    const std::chrono::microseconds stall =
        why.empty() ? tracker.stall(guest) : std::chrono::microseconds(0);
    if (stall > longest_stall_)
        why = std::string(tracker.name()) + " holds it up for " +
              std::to_string(std::chrono::ceil<std::chrono::milliseconds>(stall).count()) +
              " ms, which is more than tracking.longest_stall";
    return why;
}

HeatTracker* HeatScans::choose(const std::vector<HeatTracker*>& best, const GuestSample& guest,
                               bool may_disturb, Time now) {
    std::string first_reason;
    for (HeatTracker* candidate : best) {
        const std::string reason = why_not(*candidate, guest, may_disturb, now);
        if (reason.empty()) return candidate;
        if (first_reason.empty()) first_reason = reason;
    }
    set_none(std::move(first_reason), now);
    return nullptr;
}

void HeatScans::begin(const std::vector<HeatTracker*>& best, const GuestSample& guest,
                      bool may_disturb, TrackingBudget& budget, Time now) {
    state_.waits_for = budget.why_not(std::chrono::nanoseconds(0), limits_.most);
    if (!state_.waits_for.empty()) return;
    const auto cpu = thread_cpu_time();
    if (HeatTracker* tracker = choose(best, guest, may_disturb, now)) {
        estimate_ = tracker->estimate(guest);
        state_.waits_for = budget.why_not(estimate_, limits_.most);
        if (state_.waits_for.empty())
            try_to_begin(*tracker, guest, now);
        else
            pass_by(now);
    }
    budget.charge(thread_cpu_time() - cpu);
}

void HeatScans::try_to_begin(HeatTracker& tracker, const GuestSample& guest, Time now) {
    std::string failure;
    try {
        pending_ = tracker.begin(guest, scan_time_ - scan_time_ / tolerance_divisor);
        if (!pending_) {
            state_.waits_for = std::string(tracker.name()) + " looks at as many guests as it can";
            return;
        }
    } catch (const TrackingError& error) {
        failure = error.what();
    }
    period_.begin(now);
    began_ = now;
    tracker_ = &tracker;
    if (!pending_) return fail(std::move(failure));
    state_.tracker = tracker.name();
    state_.ability = tracker.ability(guest);
}

void HeatScans::abandon(TrackingBudget& budget) {
    if (!pending_) return;
    pending_.reset();
    budget.charge(estimate_);  // what it really took is not known
}

// Or it would be due for ever, and rounds of the same budget never.
void HeatScans::pass_by(Time now) {
    period_.begin(now);
    began_ = now;
}

void HeatScans::set_none(std::string why, Time now) {
    pass_by(now);
    state_.tracker = "none";
    state_.ability = {};
    state_.trouble = std::move(why);
}

bool HeatScans::over(Time now) const {
    return pending_ && now >= began_ + scan_time_ - scan_time_ / tolerance_divisor;
}

bool HeatScans::finish(HeatTable& table, bool well_placed, bool held_up, TrackingBudget& budget,
                       Time now) {
    const auto cpu = thread_cpu_time();
    bool learnt = false;
    try {
        const std::optional<HeatScan> look = pending_->finish();
        if (look) {
            budget.charge(look->cost);
            learnt = learn(*look, table, well_placed, held_up, now);
        }
        if (look || now > began_ + scan_time_ + patience) pending_.reset();
        if (!look && !pending_) {
            budget.charge(estimate_);
            fail("a look came to no end");
        }
    } catch (const TrackingError& error) {
        pending_.reset();
        budget.charge(estimate_);  // what it really took is not known
        fail(error.what());
    }
    budget.charge(thread_cpu_time() - cpu);
    return learnt;
}

bool HeatScans::learn(const HeatScan& look, HeatTable& table, bool well_placed, bool held_up,
                      Time now) {
    failures_[tracker_].in_a_row = 0;
    state_.trouble = look.trouble;
    for (const auto& [tracker, failed] : failures_)
        if (state_.trouble.empty() && now < failed.left_out_until) state_.trouble = failed.why;
    state_.writes = look.writes;
    if (look.writes) state_.ability.per_vcpu = !look.writes->by_vcpu.empty();
    ++state_.scans;
    state_.last = now;
    // One that tells of no chunks has nothing to agree with.
    state_.agreement = 1000;
    if (state_.ability.per_chunk) {
        told_chunks_ = now;
        // Of a single sample nothing is forgotten at once.
        state_.agreement = table.merge(spread(look.accessed, table.grid()),
                                       held_up ? 1 : look.samples, !state_.ability.reads);
    }
    period_.learn(state_.agreement, well_placed);
    state_.period = period_.length();
    return state_.ability.per_chunk;
}

void HeatScans::fail(std::string why) {
    state_.trouble = std::move(why);
    Failures& failed = failures_[tracker_];
    if (++failed.in_a_row >= most_failures)
        failed = {0, std::string(tracker_->name()) + ": " + state_.trouble,
                  began_ + rest_after_failures};
    period_.back_off();
    state_.period = period_.length();
}

}  // namespace vnuma
