#include "guests/tracking/access_tracking.hpp"

#include <algorithm>
#include <set>
#include <system_error>

#include "guests/process/cpu_time.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

using std::chrono::steady_clock;

AccessTracking::AccessTracking(const TrackingSettings& settings,
                               std::vector<TrackerCandidate> candidates, LoadCounter load_counter)
    : settings_(settings),
      candidates_(std::move(candidates)),
      load_counter_(std::move(load_counter)) {}

void AccessTracking::update(Sample& sample, const std::map<std::string, TrackingHint>& hints) {
    const auto cpu = process_cpu_time();
    const Time now = sample.time;
    const Time deadline = steady_clock::now() + most_time;
    probe(now);
    follow(sample, hints);
    count_faults(sample);
    for (auto& [uuid, guest] : guests_)
        guest.end_observation_if_over(now);
    watch(sample);
    finish_scans(sample, deadline);
    begin_scans(sample, deadline);
    begin_round(sample);
    for (auto& [uuid, guest] : guests_)
        guest.read_nodes_if_due(reader_, now);
    for (GuestSample& guest : sample.guests)
        if (const auto known = guests_.find(guest.uuid); known != guests_.end())
            known->second.fill(guest.tracking);
    for (const TrackerCandidate& candidate : candidates_) {
        if (candidate.tracker)
            sample.tracking.trackers.emplace_back(candidate.name);
        else
            sample.tracking.missing[candidate.name] = candidate.why_not;
    }
    if (!counter_) sample.tracking.missing["bpf"] = no_counter_;
    sample.tracking.dropped = dropped_;
    sample.tracking_cpu_time =
        std::chrono::duration_cast<std::chrono::microseconds>(process_cpu_time() - cpu);
}

void AccessTracking::abandon_scans() {
    for (auto& [uuid, guest] : guests_)
        guest.abandon_scan();
}

void AccessTracking::end() {
    guests_.clear();
    counter_.reset();
    candidates_.clear();
}

void AccessTracking::probe(Time now) {
    if (probed_ != Time() && now < probed_ + probe_again) return;
    probed_ = now;
    for (TrackerCandidate& candidate : candidates_)
        if (!candidate.tracker) candidate.tracker = candidate.probe(candidate.why_not);
    if (!settings_.attribution)
        no_counter_ = settings_.disabled_reason.empty() ? "switched off (tracking.attribution)"
                                                        : settings_.disabled_reason;
    else if (!counter_)
        counter_ = load_counter_(no_counter_);
    if (counter_) no_counter_.clear();
}

void AccessTracking::follow(const Sample& sample,
                            const std::map<std::string, TrackingHint>& hints) {
    std::set<std::string> seen;
    for (const GuestSample& guest : sample.guests) {
        // One that could not be read in this tick may be there again in the next.
        seen.insert(guest.uuid);
        if (!guest.process) continue;
        const auto hint = hints.find(guest.uuid);
        auto& state = guests_.try_emplace(guest.uuid, settings_).first->second;
        state.update(guest, hint == hints.end() ? TrackingHint() : hint->second, no_counter_,
                     sample.time);
    }
    std::erase_if(guests_, [&](const auto& guest) { return !seen.contains(guest.first); });
}

void AccessTracking::give_up_counting(const std::system_error& error) {
    counter_.reset();
    watched_.clear();
    no_counter_ = std::string("faults cannot be counted: ") + error.what();
}

// Faults of guests for which it does not matter are not counted: that would cost them a little.
void AccessTracking::watch(const Sample& sample) {
    if (!counter_) return;
    std::map<pid_t, int> wanted;
    for (const GuestSample& guest : sample.guests) {
        const auto known = guests_.find(guest.uuid);
        if (guest.process && known != guests_.end() && known->second.counts_faults())
            wanted[guest.process->pid()] = known->second.bucket_shift();
    }
    std::erase_if(watched_, [&](const auto& watched) {
        const auto still = wanted.find(watched.first);
        if (still != wanted.end() && still->second == watched.second) return false;
        counter_->unwatch(watched.first);
        return true;
    });
    try {
        for (const auto& [pid, shift] : wanted)
            if (!watched_.contains(pid) && counter_->watch(pid, shift)) watched_[pid] = shift;
    } catch (const std::system_error& error) {
        give_up_counting(error);
    }
}

void AccessTracking::count_faults(const Sample& sample) {
    if (!counter_ || watched_.empty()) return;
    try {
        const auto cpu = thread_cpu_time();
        FaultCounts counts = counter_->take();
        const auto share_of_cost =
            (thread_cpu_time() - cpu) / static_cast<std::int64_t>(watched_.size());
        dropped_ += counts.dropped;
        // Whose they were nobody knows, so each guest may have lost some.
        const std::uint64_t share_of_dropped =
            (counts.dropped + watched_.size() - 1) / watched_.size();
        if (counts.fault_time) fault_time_ = *counts.fault_time;
        std::sort(counts.faults.begin(), counts.faults.end(),
                  [](const auto& a, const auto& b) { return a.process < b.process; });
        for (const GuestSample& guest : sample.guests) {
            const auto known = guests_.find(guest.uuid);
            if (!guest.process || known == guests_.end()) continue;
            const auto watched = watched_.find(guest.process->pid());
            if (watched == watched_.end()) continue;
            const auto [begin, end] = std::equal_range(
                counts.faults.begin(), counts.faults.end(),
                CountedFaults{guest.process->pid(), 0, 0, 0, false, 0},
                [](const auto& a, const auto& b) { return a.process < b.process; });
            known->second.charge(share_of_cost);
            known->second.count({begin, end}, watched->second, share_of_dropped, fault_time_);
        }
    } catch (const std::system_error& error) {
        give_up_counting(error);
    }
}

AccessTracking::Due AccessTracking::select(const Sample& sample,
                                           const std::function<bool(GuestTracking&)>& due,
                                           const std::function<Time(GuestTracking&)>& order) {
    Due guests;
    for (const GuestSample& guest : sample.guests) {
        const auto known = guests_.find(guest.uuid);
        if (guest.process && known != guests_.end() && due(known->second))
            guests.emplace_back(&known->second, &guest);
    }
    std::stable_sort(guests.begin(), guests.end(), [&](const auto& a, const auto& b) {
        return order(*a.first) < order(*b.first);
    });
    return guests;
}

void AccessTracking::finish_scans(const Sample& sample, Time deadline) {
    const Time now = sample.time;
    const auto over = [now](GuestTracking& guest) { return guest.scan_over(now); };
    const auto begun = [](GuestTracking& guest) { return guest.last_scan(); };
    for (const auto& [guest, unused] : select(sample, over, begun)) {
        if (steady_clock::now() > deadline) break;
        guest->finish_scan(now);
    }
}

void AccessTracking::begin_scans(const Sample& sample, Time deadline) {
    std::vector<HeatTracker*> best;
    for (const TrackerCandidate& candidate : candidates_)
        if (candidate.tracker) best.push_back(candidate.tracker.get());
    if (best.empty()) {
        std::string why = settings_.disabled_reason;
        if (why.empty())
            why =
                candidates_.empty() ? "switched off (tracking.heat)" : candidates_.front().why_not;
        for (auto& [uuid, guest] : guests_)
            if (guest.scan_due(sample.time)) guest.set_no_tracker(why, sample.time);
        return;
    }
    const Time now = sample.time;
    const auto due = [now](GuestTracking& guest) { return guest.scan_due(now); };
    const auto begun = [](GuestTracking& guest) { return guest.last_scan(); };
    for (const auto& [guest, listed] : select(sample, due, begun)) {
        if (steady_clock::now() > deadline) break;
        if (!listed->unsteady.empty()) continue;
        guest->begin_scan(best, *listed, now);
    }
}

// One guest's in a call: what they cost comes all at once.
void AccessTracking::begin_round(const Sample& sample) {
    if (!counter_) return;
    const Time now = sample.time;
    const auto due = [now](GuestTracking& guest) { return guest.round_due(now); };
    const auto begun = [](GuestTracking& guest) { return guest.last_round(); };
    for (const auto& [guest, listed] : select(sample, due, begun)) {
        if (!watched_.contains(listed->process->pid()))
            guest->put_off_round("as many guests as can be are watched already", now);
        else if (guest->begin_round(fault_time_, page_counter_, now))
            break;
    }
}

}  // namespace vnuma
