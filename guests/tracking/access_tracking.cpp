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

void AccessTracking::update(Sample& sample, const std::map<std::string, TrackingHint>& hints,
                            const std::function<bool()>& may_begin) {
    const auto cpu = process_cpu_time();
    const Time now = sample.time;
    const Time deadline = steady_clock::now() + time_limit;
    probe(now);
    update_guests(sample, hints);
    count_faults(sample);
    for (auto& [uuid, guest] : guests_)
        guest.end_observation_if_over(now);
    watch_guests(sample);
    finish_scans(sample, deadline);
    begin_scans(sample, deadline, may_begin);
    begin_round(sample, may_begin);
    for (auto& [uuid, guest] : guests_)
        guest.read_nodes_if_due(reader_, now);
    fill(sample);
    sample.tracking_cpu_time =
        std::chrono::duration_cast<std::chrono::microseconds>(process_cpu_time() - cpu);
}

void AccessTracking::fill(Sample& sample) const {
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
    if (probed_ != Time() && now < probed_ + probe_interval) return;
    probed_ = now;
    for (TrackerCandidate& candidate : candidates_)
        if (!candidate.tracker) candidate.tracker = candidate.probe(candidate.why_not);
    if (!settings_.attribution)
        no_counter_ = settings_.disabled_reason.empty()
                          ? "attribution is off (tracking.attribution)"
                          : settings_.disabled_reason;
    else if (!settings_.may_disturb)
        no_counter_ = "accesses are attributed in mode \"act\" only";
    else if (!counter_)
        counter_ = load_counter_(no_counter_);
    if (counter_) no_counter_.clear();
}

void AccessTracking::update_guests(const Sample& sample,
                                   const std::map<std::string, TrackingHint>& hints) {
    std::set<std::string> seen;
    for (const GuestSample& guest : sample.guests) {
        // A guest without a process could not be read in this tick, but is not gone.
        seen.insert(guest.uuid);
        if (!guest.process) continue;
        const auto hint = hints.find(guest.uuid);
        GuestTracking& known = guests_.try_emplace(guest.uuid, settings_).first->second;
        known.update(guest, hint == hints.end() ? TrackingHint() : hint->second, no_counter_,
                     sample.time);
    }
    std::erase_if(guests_, [&](const auto& guest) { return !seen.contains(guest.first); });
}

void AccessTracking::drop_counter(const std::system_error& error) {
    counter_.reset();
    watched_.clear();
    no_counter_ = std::string("page faults cannot be counted: ") + error.what();
}

// Only guests whose faults are of use are watched, since each counted fault costs a little.
void AccessTracking::watch_guests(const Sample& sample) {
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
        drop_counter(error);
    }
}

void AccessTracking::count_faults(const Sample& sample) {
    if (!counter_ || watched_.empty()) return;
    try {
        const auto cpu = thread_cpu_time();
        FaultCounts counts = counter_->take();
        distribute(std::move(counts), thread_cpu_time() - cpu, sample);
    } catch (const std::system_error& error) {
        drop_counter(error);
    }
}

// Gives each watched guest its faults and an equal share of the cost.
void AccessTracking::distribute(FaultCounts counts, std::chrono::nanoseconds cost,
                                const Sample& sample) {
    const auto share_of_cost = cost / static_cast<std::int64_t>(watched_.size());
    // The kernel does not know whose faults it dropped, so each guest may have lost some.
    const std::uint64_t share_of_dropped = (counts.dropped + watched_.size() - 1) / watched_.size();
    dropped_ += counts.dropped;
    if (counts.fault_time) fault_time_ = *counts.fault_time;
    const auto by_process = [](const CountedFaults& a, const CountedFaults& b) {
        return a.process < b.process;
    };
    std::sort(counts.faults.begin(), counts.faults.end(), by_process);
    for (const GuestSample& guest : sample.guests) {
        const auto known = guests_.find(guest.uuid);
        if (!guest.process || known == guests_.end()) continue;
        const auto watched = watched_.find(guest.process->pid());
        if (watched == watched_.end()) continue;
        CountedFaults any_of_guest;
        any_of_guest.process = guest.process->pid();
        const auto [begin, end] =
            std::equal_range(counts.faults.begin(), counts.faults.end(), any_of_guest, by_process);
        known->second.charge(share_of_cost);
        known->second.count({begin, end}, watched->second, share_of_dropped, fault_time_);
    }
}

AccessTracking::Selection AccessTracking::select(
    const Sample& sample, const std::function<bool(GuestTracking&)>& due,
    const std::function<Time(GuestTracking&)>& last_turn) {
    Selection guests;
    for (const GuestSample& guest : sample.guests) {
        const auto known = guests_.find(guest.uuid);
        if (guest.process && known != guests_.end() && due(known->second))
            guests.emplace_back(&known->second, &guest);
    }
    std::stable_sort(guests.begin(), guests.end(), [&](const auto& a, const auto& b) {
        return last_turn(*a.first) < last_turn(*b.first);
    });
    return guests;
}

void AccessTracking::finish_scans(const Sample& sample, Time deadline) {
    const Time now = sample.time;
    const auto over = [now](GuestTracking& guest) { return guest.scan_over(now); };
    const auto last_scan = [](GuestTracking& guest) { return guest.last_scan(); };
    for (const auto& [guest, unused] : select(sample, over, last_scan)) {
        if (steady_clock::now() > deadline) break;
        guest->finish_scan(now);
    }
}

void AccessTracking::begin_scans(const Sample& sample, Time deadline,
                                 const std::function<bool()>& may_begin) {
    std::vector<HeatTracker*> trackers;
    for (const TrackerCandidate& candidate : candidates_)
        if (candidate.tracker) trackers.push_back(candidate.tracker.get());
    if (trackers.empty()) {
        std::string why = settings_.disabled_reason;
        if (why.empty())
            why = candidates_.empty() ? "heat tracking is off (tracking.heat)"
                                      : candidates_.front().why_not;
        for (auto& [uuid, guest] : guests_)
            if (guest.scan_due(sample.time)) guest.set_no_tracker(why, sample.time);
        return;
    }
    const Time now = sample.time;
    const auto due = [now](GuestTracking& guest) { return guest.scan_due(now); };
    const auto last_scan = [](GuestTracking& guest) { return guest.last_scan(); };
    for (const auto& [guest, listed] : select(sample, due, last_scan)) {
        if (steady_clock::now() > deadline || !may_begin()) break;
        if (!listed->unsteady.empty()) continue;
        guest->begin_scan(trackers, *listed, now);
    }
}

// At most one guest begins a round in a call, since a round costs most at its begin.
void AccessTracking::begin_round(const Sample& sample, const std::function<bool()>& may_begin) {
    if (!counter_) return;
    const Time now = sample.time;
    const auto due = [now](GuestTracking& guest) { return guest.round_due(now); };
    const auto last_round = [](GuestTracking& guest) { return guest.last_round(); };
    for (const auto& [guest, listed] : select(sample, due, last_round)) {
        if (!may_begin()) break;
        if (!watched_.contains(listed->process->pid()))
            guest->put_off_round("page faults of " + std::to_string(max_watched_guests) +
                                     " guests are counted already, and no more can be",
                                 now);
        else if (guest->begin_round(fault_time_, page_counter_, now))
            break;
    }
}

}  // namespace vnuma
