// The looks at one guest's heat, one after the other: which tracker, when, and what came of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "guests/model/settings.hpp"
#include "guests/tracking/heat/heat_table.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"
#include "guests/tracking/tracking_budget.hpp"

namespace vnuma {

class HeatScans {
  public:
    using Time = std::chrono::steady_clock::time_point;
    // A look that has no result so long after its time is given up.
    static constexpr std::chrono::seconds patience{30};
    static constexpr int most_failures = 3;
    static constexpr std::chrono::minutes rest_after_failures{5};
    // What a look has told of chunks says nothing any more after so long without another.
    static constexpr std::chrono::minutes chunks_last{30};

    explicit HeatScans(const TrackingSettings& settings)
        : scan_time_(settings.scan_time),
          longest_stall_(settings.longest_stall),
          limits_(settings.period),
          period_(settings.period) {}

    bool due(Time now) const { return !pending_ && period_.due(now); }
    // When one last began.
    Time last() const { return began_; }

    // With the first of `best` that can tell something of this guest, and does nothing to one that
    // may not be touched.
    void begin(const std::vector<HeatTracker*>& best, const GuestSample& guest, bool may_disturb,
               TrackingBudget& budget, Time now);

    // There is no tracker at all. It is as if a look had begun: others have their turn.
    void set_none(std::string why, Time now);

    bool over(Time now) const;
    // Returns whether the table has learnt something. `held_up`: the guest was, during the look,
    // and what it has not touched is not known to be cold.
    bool finish(HeatTable& table, bool well_placed, bool held_up, TrackingBudget& budget, Time now);

    // What runs is of no use: the memory is another now, or nobody can end it in time.
    void abandon(TrackingBudget& budget);
    void restart() { period_.restart(); }

    const HeatState& state() const { return state_; }
    // Whether the last look that told of chunks is too long ago to go by.
    bool outdated(Time now) const { return now > told_chunks_ + chunks_last; }

  private:
    // One that has failed so often in a row is left out for a while.
    struct Failures {
        int in_a_row = 0;
        std::string why;
        Time left_out_until{};
    };

    std::string why_not(const HeatTracker& tracker, const GuestSample& guest, bool may_disturb,
                        Time now) const;
    HeatTracker* choose(const std::vector<HeatTracker*>& best, const GuestSample& guest,
                        bool may_disturb, Time now);
    void pass_by(Time now);
    void try_to_begin(HeatTracker& tracker, const GuestSample& guest, Time now);
    void fail(std::string why);
    bool learn(const HeatScan& look, HeatTable& table, bool well_placed, bool held_up, Time now);

    std::chrono::milliseconds scan_time_, longest_stall_;
    PeriodLimits limits_;
    AdaptivePeriod period_;
    HeatState state_;
    Time began_{}, told_chunks_{};
    std::unique_ptr<PendingScan> pending_;
    std::chrono::microseconds estimate_{0};  // of the look that is pending
    HeatTracker* tracker_ = nullptr;         // that began last
    std::map<const HeatTracker*, Failures> failures_;
};

}  // namespace vnuma
