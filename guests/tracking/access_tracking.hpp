// Finds out which memory of the guests is used, how much, and by which vCPU, at a cost that each
// guest's own use of the CPU sets.
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

    // What is missing is probed for again after so long.
    static constexpr std::chrono::minutes probe_again{1};
    // No further look is begun or finished in a call that has taken so long. One may take longer:
    // up to a second for a monitor's answer, or for the kernel's marks of a guest of 64 GiB.
    static constexpr std::chrono::milliseconds most_time{300};

    AccessTracking(const TrackingSettings& settings, std::vector<TrackerCandidate> candidates,
                   LoadCounter load_counter);

    // Ends what is over, begins what is due, and puts what is known into the sample. Hints are by
    // uuid, and the time is the sample's. For one worker thread at a time. What goes wrong with one
    // guest is told in its sample.
    void update(Sample& sample, const std::map<std::string, TrackingHint>& hints);

    // Ends what runs, since no sample comes at whose time it could be ended. Same thread.
    void abandon_scans();

    // What was begun in the kernel is ended: looks, counting, kdamonds. The last call; same thread.
    void end();

  private:
    using Due = std::vector<std::pair<GuestTracking*, const GuestSample*>>;

    void probe(Time now);
    void follow(const Sample& sample, const std::map<std::string, TrackingHint>& hints);
    void watch(const Sample& sample);
    void give_up_counting(const std::system_error& error);
    void count_faults(const Sample& sample);
    void finish_scans(const Sample& sample, Time deadline);
    void begin_scans(const Sample& sample, Time deadline);
    void begin_round(const Sample& sample);
    Due select(const Sample& sample, const std::function<bool(GuestTracking&)>& due,
               const std::function<Time(GuestTracking&)>& order);

    TrackingSettings settings_;
    std::vector<TrackerCandidate> candidates_;
    LoadCounter load_counter_;
    std::unique_ptr<FaultCounter> counter_;
    std::string no_counter_;
    Time probed_{};
    std::chrono::nanoseconds fault_time_ = assumed_fault_time;
    PageCounter page_counter_{settings_.page_count_timeout};
    std::uint64_t dropped_ = 0;
    MovePagesReader reader_;
    std::map<pid_t, int> watched_;                 // shifts
    std::map<std::string, GuestTracking> guests_;  // by uuid; last: its looks end first
};

}  // namespace vnuma
