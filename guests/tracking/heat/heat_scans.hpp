// The scans of one guest's heat, one after the other: when a scan is due, which tracker makes it,
// and what is done with its result.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "guests/model/settings.hpp"
#include "guests/tracking/heat/heat_table.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"
#include "guests/tracking/scan_period.hpp"
#include "guests/tracking/tracking_budget.hpp"

namespace vnuma {

class HeatScans {
  public:
    using Time = std::chrono::steady_clock::time_point;
    // A scan without a result this long after its time is over has failed.
    static constexpr std::chrono::seconds result_timeout{30};
    // After this many failures in a row a tracker is not used for a while.
    static constexpr int max_failures_in_a_row = 3;
    static constexpr std::chrono::minutes pause_after_failures{5};
    // The heat of chunks is outdated this long after the last scan that measured chunks.
    static constexpr std::chrono::minutes heat_lifetime{30};

    explicit HeatScans(const TrackingSettings& settings)
        : scan_time_(settings.scan_time),
          longest_stall_(settings.longest_stall),
          limits_(settings.period),
          period_(settings.period) {}

    bool due(Time now) const { return !pending_ && period_.due(now); }
    // When the last scan began.
    Time last() const { return began_; }

    // Begins a scan with the first of `trackers` that can scan the guest. They are sorted, the best
    // first. A tracker with a side effect is used only if vnumad may disturb the guest.
    void begin(const std::vector<HeatTracker*>& trackers, const GuestSample& guest,
               bool may_disturb, TrackingBudget& budget, Time now);

    // Notes that no tracker can scan the guest. The next scan is due one period later, as if a scan
    // had begun: a scan that stayed due would keep induced-fault rounds of the same budget from
    // their turn.
    void set_no_tracker(std::string reason, Time now);

    bool running() const { return pending_ != nullptr; }
    // Whether a scan runs whose time is over.
    bool over(Time now) const;
    // Finishes the scan that runs and merges its result into the table. Returns whether the table
    // has changed. `held_up` says that the guest was held up during the scan, so that memory it did
    // not access may be hot all the same.
    bool finish(HeatTable& table, bool well_placed, bool held_up, TrackingBudget& budget, Time now);

    // Ends the scan that runs without a result.
    void abandon(TrackingBudget& budget);
    // Makes the next scan due after the shortest period.
    void restart() { period_.restart(); }

    const HeatState& state() const { return state_; }
    // Whether the heat of chunks is too old to act on.
    bool outdated(Time now) const { return now > last_chunk_scan_ + heat_lifetime; }

  private:
    struct Failures {
        int in_a_row = 0;
        std::string reason;
        Time paused_until{};  // the tracker is not used until then
    };

    std::string reason_to_skip(const HeatTracker& tracker, const GuestSample& guest,
                               bool may_disturb, Time now) const;
    HeatTracker* choose_tracker(const std::vector<HeatTracker*>& trackers, const GuestSample& guest,
                                bool may_disturb, Time now);
    void skip_period(Time now);
    void begin_with(HeatTracker& tracker, const GuestSample& guest, Time now);
    void record_failure(std::string reason);
    bool merge(const HeatScan& scan, HeatTable& table, bool well_placed, bool held_up, Time now);

    std::chrono::milliseconds scan_time_, longest_stall_;
    PeriodLimits limits_;
    ScanPeriod period_;
    HeatState state_;
    Time began_{};            // the last scan
    Time last_chunk_scan_{};  // end of the last scan that measured chunks
    std::unique_ptr<PendingScan> pending_;
    std::chrono::microseconds estimate_{0};  // CPU time the pending scan is expected to take
    HeatTracker* tracker_ = nullptr;         // of the last scan
    std::map<const HeatTracker*, Failures> failures_;
};

}  // namespace vnuma
