// Finds out which memory of all guests is used, how much, and by which vCPU. What that may cost is
// a share of the CPU time that each guest itself uses.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "guests/tracking/attribution/fault_counter.hpp"
#include "guests/tracking/choose_trackers.hpp"
#include "guests/tracking/guest_tracking.hpp"

namespace vnuma {

class AccessTracking {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using LoadCounter = std::function<std::unique_ptr<FaultCounter>(std::string& why_not)>;

    // Interval at which missing trackers and a missing fault counter are probed for again.
    static constexpr std::chrono::minutes probe_interval{1};
    // After this time one call of update() begins and finishes no further scan. A single scan may
    // take longer: up to 1 s for a monitor's answer, or for the soft-dirty bits of 64 GiB.
    static constexpr std::chrono::milliseconds time_limit{300};

    AccessTracking(const TrackingSettings& settings, std::vector<TrackerCandidate> candidates,
                   LoadCounter load_counter);

    // Ends scans and rounds that are over, begins those that are due at the sample's time, and
    // fills in the sample's tracking fields in place. Hints are by UUID. Errors of one guest are
    // reported in its sample. Nothing is begun when `may_begin`, which is asked right before, says
    // no. May block, so it is for a worker thread; one thread at a time.
    void update(Sample& sample, const std::map<std::string, TrackingHint>& hints,
                const std::function<bool()>& may_begin);

    // Ends the scans that run without a result. For ticks without a sample, in which nothing would
    // end the scans in time. Same thread.
    void abandon_scans();

    // Ends everything that was begun in the kernel: scans, fault counting, kdamonds. The last call;
    // same thread.
    void end();

  private:
    using Selection = std::vector<std::pair<GuestTracking*, const GuestSample*>>;

    void probe(Time now);
    void update_guests(const Sample& sample, const std::map<std::string, TrackingHint>& hints);
    void watch_guests(const Sample& sample);
    void drop_counter(const std::system_error& error);
    void count_faults(const Sample& sample);
    void distribute(FaultCounts counts, std::chrono::nanoseconds cost, const Sample& sample);
    void finish_scans(const Sample& sample, Time deadline);
    void begin_scans(const Sample& sample, Time deadline, const std::function<bool()>& may_begin);
    void begin_round(const Sample& sample, const std::function<bool()>& may_begin);
    void fill(Sample& sample) const;
    // The guests that are due, the one first whose turn was the longest ago.
    Selection select(const Sample& sample, const std::function<bool(GuestTracking&)>& due,
                     const std::function<Time(GuestTracking&)>& last_turn);

    TrackingSettings settings_;
    std::vector<TrackerCandidate> candidates_;
    LoadCounter load_counter_;
    std::unique_ptr<FaultCounter> counter_;  // null while faults cannot be counted
    std::string no_counter_;                 // why they cannot
    Time probed_{};
    std::chrono::nanoseconds fault_time_ = assumed_fault_time;  // CPU time of one fault
    PageCounter page_counter_{settings_.page_count_timeout};
    std::uint64_t dropped_ = 0;  // faults of all guests that found no room
    MovePagesReader reader_;
    std::map<pid_t, int> watched_;  // bucket shifts
    // By UUID. The last member, so that scans end before their trackers.
    std::map<std::string, GuestTracking> guests_;
};

}  // namespace vnuma
