#include "guests/tracking/heat_looks.hpp"

#include "guests/cpu_time.hpp"

namespace vnuma {
namespace {

// A look may be cut short by this share: ticks do not come to the millisecond.
constexpr int tolerance_divisor = 10;

}  // namespace

HeatTracker* HeatLooks::choose(const std::vector<HeatTracker*>& best, const GuestSample& guest,
                               Time now) {
    std::string why_not;
    for (HeatTracker* candidate : best) {
        if (now >= left_out_until_) left_out_ = nullptr;
        const std::string reason =
            candidate == left_out_ ? left_out_why_ : candidate->why_not(guest);
        if (reason.empty()) return candidate;
        if (why_not.empty()) why_not = reason;
    }
    set_none(std::move(why_not));
    return nullptr;
}

void HeatLooks::begin(const std::vector<HeatTracker*>& best, const GuestSample& guest,
                      TrackingBudget& budget, Time now) {
    HeatTracker* tracker = choose(best, guest, now);
    if (!tracker) return;
    estimate_ = tracker->estimate(guest);
    state_.waits_for = budget.why_not(estimate_, limits_.most);
    if (!state_.waits_for.empty()) return;
    const auto cpu = thread_cpu_time();
    try {
        pending_ = tracker->begin(guest, look_time_ - look_time_ / tolerance_divisor);
        if (pending_) {
            period_.begin(now);
            began_ = now;
            tracker_ = tracker;
            state_.tracker = tracker->name();
            state_.ability = tracker->ability();
        }
    } catch (const TrackingError& error) {
        period_.begin(now);
        began_ = now;
        tracker_ = tracker;
        fail(error.what());
    }
    budget.charge(thread_cpu_time() - cpu);
}

void HeatLooks::set_none(std::string why) {
    state_.tracker = "none";
    state_.ability = {};
    state_.trouble = std::move(why);
}

bool HeatLooks::over(Time now) const {
    return pending_ && now >= began_ + look_time_ - look_time_ / tolerance_divisor;
}

bool HeatLooks::finish(HeatTable& table, bool well_placed, TrackingBudget& budget, Time now) {
    const auto cpu = thread_cpu_time();
    bool learnt = false;
    try {
        const std::optional<HeatLook> look = pending_->finish();
        if (look) {
            budget.charge(look->cost);
            learnt = learn(*look, table, well_placed, now);
        }
        if (look || now > began_ + look_time_ + patience) pending_.reset();
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

bool HeatLooks::learn(const HeatLook& look, HeatTable& table, bool well_placed, Time now) {
    failures_ = 0;
    state_.trouble = look.trouble.empty() && left_out_ ? left_out_why_ : look.trouble;
    state_.writes = look.writes;
    ++state_.looks;
    state_.last = now;
    if (state_.ability.per_chunk)
        state_.agreement = table.merge(spread(look.accessed, table.grid()), !state_.ability.reads);
    period_.learn(state_.agreement, well_placed);
    state_.period = period_.length();
    return state_.ability.per_chunk;
}

void HeatLooks::fail(std::string why) {
    state_.trouble = std::move(why);
    if (++failures_ >= most_failures) {
        failures_ = 0;
        left_out_ = tracker_;
        left_out_why_ = std::string(tracker_->name()) + ": " + state_.trouble;
        left_out_until_ = began_ + rest_after_failures;
    }
    period_.back_off();
    state_.period = period_.length();
}

}  // namespace vnuma
