// What is due when to track one guest: heat scans, rounds of induced faults, observations of
// counted faults, and reading on which nodes the used memory is. All of it is paid from one budget.
#pragma once

#include <chrono>

#include "guests/model/settings.hpp"
#include "guests/tracking/attribution/fault_rounds.hpp"
#include "guests/tracking/heat/heat_scans.hpp"
#include "guests/tracking/tracking_budget.hpp"

namespace vnuma {

class TrackingSchedule {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit TrackingSchedule(const TrackingSettings& settings);

    TrackingBudget& budget() { return budget_; }
    HeatScans& scans() { return scans_; }
    FaultRounds& rounds() { return rounds_; }
    const TrackingBudget& budget() const { return budget_; }
    const HeatScans& scans() const { return scans_; }
    const FaultRounds& rounds() const { return rounds_; }

    // Of a scan and a round that are both due, the one that began longer ago goes first. Until two
    // rounds have ended, rounds go first, and only the first scan may run beside them: the guest
    // may need long to earn what they cost.
    bool scan_due(Time now) const;
    bool round_due(Time now) const;

    // The next scan and the next round follow after the shortest period.
    void restart();

    // Returns whether the heat table has changed. The next round follows soon if the scan found
    // that other memory is used than before.
    bool finish_scan(HeatTable& table, bool well_placed, Time now);

    // One observation holds the faults of one round, or those of one round's length without a
    // round.
    bool observation_over(Time now) const;
    void begin_observation(Time now) { observing_since_ = now; }

    // On which nodes the used memory is has to be read again.
    void set_nodes_outdated() { nodes_outdated_ = true; }
    // The same, because vnumad has moved the guest's memory.
    void set_memory_moved() { nodes_outdated_ = memory_moved_ = true; }
    bool nodes_outdated() const { return nodes_outdated_; }
    // Whether the budget allows reading the nodes. After a move they are read whatever the guest
    // owes, since the planner needs them, but for a hundredth of the time at most.
    bool may_read_nodes(Time now) const;
    void begin_reading_nodes(Time now);
    void charge_reading_nodes(std::chrono::nanoseconds cost);

  private:
    std::chrono::milliseconds round_time_, longest_wait_;
    TrackingBudget budget_;
    HeatScans scans_;
    FaultRounds rounds_;
    Time observing_since_{};
    Time nodes_read_at_{};
    std::chrono::nanoseconds reading_nodes_took_{0};  // CPU time, the last time
    bool nodes_outdated_ = false, memory_moved_ = false;
};

}  // namespace vnuma
