#include "guests/tracking/guest_tracking.hpp"

#include <utility>

#include "guests/process/cpu_time.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

std::chrono::nanoseconds run_time_of(const GuestSample& guest) {
    std::uint64_t run_ns = 0;
    for (const CellSample& cell : guest.cells)
        for (const VcpuSample& vcpu : cell.vcpus)
            run_ns += vcpu.run_ns;
    return std::chrono::nanoseconds(run_ns);
}

}  // namespace

GuestTracking::GuestTracking(const TrackingSettings& settings)
    : settings_(settings), schedule_(settings) {}

void GuestTracking::update(const GuestSample& guest, const TrackingHint& hint,
                           const std::string& no_counter, Time now) {
    if (guest.process != process_) {
        *this = GuestTracking(TrackingSettings(settings_));
        process_ = guest.process;
    }
    hint_ = hint;
    follow(guest);
    if (use_.has_hot_chunks() && schedule_.scans().outdated(now)) {
        use_.forget_heat();
        schedule_.set_nodes_outdated();
    }
    schedule_.budget().earn(now, run_time_of(guest), use_.vcpus());
    schedule_.rounds().set_wanted(hint.attribute, why_no_rounds(guest, no_counter));
    // Moving memory takes long and does not change which vCPUs use it. New homes may.
    if (hint.moved) schedule_.set_memory_moved();
    if (hint.changed) schedule_.restart();
}

void GuestTracking::follow(const GuestSample& guest) {
    const MemoryUse::Change change = use_.follow(guest);
    if (change.memory) {
        schedule_.scans().abandon(schedule_.budget());
        schedule_.scans().restart();
        schedule_.set_nodes_outdated();
    }
    if (change.memory || change.vcpus) schedule_.rounds().forget_rounds();
}

std::string GuestTracking::why_no_rounds(const GuestSample& guest,
                                         const std::string& no_counter) const {
    if (!no_counter.empty()) return no_counter;
    if (settings_.heat == HeatChoice::soft_dirty)
        return "tracking.heat is \"soft-dirty\", and rounds would clear the soft-dirty bits";
    if (!settings_.may_disturb || !hint_.may_disturb)
        return "vnumad only observes this guest, so it counts only faults that happen anyway";
    if (!guest.unsteady.empty()) return guest.unsteady;
    if (!use_.has_guest_physical_addresses())
        return "the guest-physical addresses of the guest's RAM are unknown";
    return "";
}

void GuestTracking::begin_scan(const std::vector<HeatTracker*>& trackers, const GuestSample& guest,
                               Time now) {
    const bool may_disturb = settings_.may_disturb && hint_.may_disturb;
    schedule_.scans().begin(trackers, guest, may_disturb, schedule_.budget(), now);
}

void GuestTracking::set_no_tracker(std::string why, Time now) {
    schedule_.scans().set_no_tracker(std::move(why), now);
}

void GuestTracking::finish_scan(Time now) {
    if (!schedule_.finish_scan(use_.heat_table(), hint_.well_placed, now)) return;
    const auto cpu = thread_cpu_time();
    use_.summarize();
    charge(thread_cpu_time() - cpu);
}

void GuestTracking::abandon_scan() {
    schedule_.scans().abandon(schedule_.budget());
}

bool GuestTracking::counts_faults() const {
    return hint_.attribute && use_.has_guest_physical_addresses();
}

void GuestTracking::count(std::span<const CountedFaults> faults, int shift, std::uint64_t dropped,
                          std::chrono::nanoseconds fault_time) {
    const FaultSums sums = use_.collect(faults, shift, dropped);
    schedule_.rounds().charge(sums, fault_time, schedule_.budget());
}

void GuestTracking::end_observation_if_over(Time now) {
    if (!schedule_.observation_over(now)) return;
    schedule_.begin_observation(now);
    end_observation();
}

void GuestTracking::end_observation() {
    FaultRounds& rounds = schedule_.rounds();
    const bool round = rounds.running();
    if (!round) rounds.settle();
    if (!round && !use_.has_collected()) return;
    const auto cpu = thread_cpu_time();
    RecordedFaults recorded;
    if (use_.has_collected()) {
        recorded = use_.record(round ? FaultOrigin::round : FaultOrigin::incidental);
        schedule_.set_nodes_outdated();
    }
    if (round) rounds.end(recorded, hint_.well_placed);
    charge(thread_cpu_time() - cpu);
}

bool GuestTracking::begin_round(std::chrono::nanoseconds fault_time, PageCounter& counter,
                                Time now) {
    FaultRounds& rounds = schedule_.rounds();
    TrackingBudget& budget = schedule_.budget();
    if (!rounds.take_turn(budget, now)) return false;
    const auto counted = counter.count(process_, use_.largest_page());
    if (!counted) {
        rounds.await_count();
        return false;
    }
    if (!rounds.decide(*counted, fault_time, budget, now)) return false;
    end_observation();  // faults before the round are no part of it
    schedule_.begin_observation(now);
    return rounds.start(clear_mappings(*process_), budget);
}

void GuestTracking::put_off_round(std::string why, Time now) {
    schedule_.rounds().put_off(std::move(why), now);
}

void GuestTracking::read_nodes_if_due(PageReader& reader, Time now) {
    const bool any_use = schedule_.scans().state().scans > 0 || use_.has_observations();
    if (!any_use || !schedule_.nodes_outdated()) return;
    const bool rounds_may_follow = schedule_.rounds().report().trouble.empty();
    const bool enough = use_.has_enough_observations(rounds_may_follow);
    const bool first_time = enough && !use_.accesses_published();
    if (!first_time && !schedule_.may_read_nodes(now)) return;
    schedule_.begin_reading_nodes(now);
    if (enough) use_.publish_accesses();
    if (!process_ || process_->is_recording()) return;
    const auto cpu = thread_cpu_time();
    use_.read_nodes(*process_, reader);
    schedule_.charge_reading_nodes(thread_cpu_time() - cpu);
}

void GuestTracking::fill(TrackingSample& sample) const {
    sample.under_way = schedule_.scans().running() || schedule_.rounds().running();
    sample.heat = schedule_.scans().state();
    sample.attribution = schedule_.rounds().report();
    sample.earned = schedule_.budget().earned();
    sample.spent = schedule_.budget().spent();
    use_.fill(sample, hint_.attribute, settings_.heat_map);
}

}  // namespace vnuma
