// Tracks how one guest uses its memory. TrackingSchedule says what is due, MemoryUse holds what is
// known; GuestTracking joins the two and does the work.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "guests/tracking/attribution/page_counter.hpp"
#include "guests/tracking/memory_use.hpp"
#include "guests/tracking/tracking_schedule.hpp"

namespace vnuma {

// What policy and the planner's last verdicts mean for tracking one guest.
struct TrackingHint {
    // Heat is of use: the guest's mode is `advise` or `act`, and the host has several nodes. In
    // mode `observe` nothing is written, and every tracker writes to the kernel.
    bool wanted = false;
    // The guest's mode is `act`, so that trackers and rounds may do what the guest can feel.
    bool may_disturb = false;
    // Which vCPU accesses which memory matters: the guest has no vNUMA and may span several nodes.
    bool attribute = false;
    // Each cell is at home, or the guest is split as planned.
    bool well_placed = false;
    // The home of one of its cells has changed in the last tick.
    bool changed = false;
    // vnumad has moved some of its memory in the last tick.
    bool moved = false;
};

class GuestTracking {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit GuestTracking(const TrackingSettings& settings);

    // Takes over the guest as it is now. Forgets everything if it is another process, and otherwise
    // what does not fit its memory and vCPUs any more. `no_counter` is why page faults cannot be
    // counted, and empty if they can.
    void update(const GuestSample& guest, const TrackingHint& hint, const std::string& no_counter,
                Time now);

    bool scan_due(Time now) const { return hint_.wanted && schedule_.scan_due(now); }
    bool scan_over(Time now) const { return schedule_.scans().over(now); }
    Time last_scan() const { return schedule_.scans().last(); }
    // `trackers` are those of this host, the best first.
    void begin_scan(const std::vector<HeatTracker*>& trackers, const GuestSample& guest, Time now);
    void set_no_tracker(std::string why, Time now);
    void finish_scan(Time now);
    void abandon_scan();

    // Whether the guest's page faults are worth counting, and the size of the buckets they should
    // be counted in: 2^bucket_shift() bytes.
    bool counts_faults() const;
    int bucket_shift() const { return use_.bucket_shift(); }
    // Adds faults, counted in buckets of 2^shift bytes, to the present observation. `fault_time` is
    // the CPU time of one fault.
    void count(std::span<const CountedFaults> faults, int shift, std::uint64_t dropped,
               std::chrono::nanoseconds fault_time);
    // Charges CPU time that was spent for the guest.
    void charge(std::chrono::nanoseconds cost) { schedule_.budget().charge(cost); }
    void end_observation_if_over(Time now);

    bool round_due(Time now) const { return schedule_.round_due(now); }
    Time last_round() const { return schedule_.rounds().last_attempt(); }
    // Begins a round that is due if the guest can afford it. Returns whether it has begun.
    bool begin_round(std::chrono::nanoseconds fault_time, PageCounter& counter, Time now);
    void put_off_round(std::string why, Time now);

    // Reads again on which nodes the used memory is, if that may have changed and the budget
    // allows.
    void read_nodes_if_due(PageReader& reader, Time now);

    void fill(TrackingSample& sample) const;

  private:
    void follow(const GuestSample& guest);
    std::string why_no_rounds(const GuestSample& guest, const std::string& no_counter) const;
    void end_observation();

    TrackingSettings settings_;
    TrackingHint hint_;
    std::shared_ptr<const Process> process_;
    TrackingSchedule schedule_;
    MemoryUse use_;
};

}  // namespace vnuma
