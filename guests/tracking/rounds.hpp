// Rounds of induced faults for one guest: all of KVM's mappings of its memory are taken down at
// once, and who touches a page next is seen by the fault this takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "guests/process.hpp"
#include "guests/tracking/attribution.hpp"
#include "guests/tracking/budget.hpp"
#include "guests/tracking/settings.hpp"

namespace vnuma {

// Until the first faults have been measured. KVM's own, with the exit from the guest and a page
// that is there: some microseconds on any machine of the last ten years.
inline constexpr std::chrono::nanoseconds assumed_fault_time{5'000};
// Until the first round. What the kernel takes to write-protect one page, with others waiting.
inline constexpr std::chrono::nanoseconds assumed_stall_by_page{100};

class Rounds {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Rounds(const TrackingSettings& settings)
        : length_(settings.look_time),
          longest_stall_(settings.longest_stall),
          limits_(settings.period),
          period_(settings.period) {}

    // `obstacle`: why there can be none although they are wanted; empty when there may be some.
    void set_wanted(bool wanted, std::string obstacle);

    bool due(Time now) const { return possible_ && !runs_ && period_.due(now); }
    Time last() const { return began_; }

    // Begins one, if the guest can afford it. Returns whether it did.
    bool begin(const Process& process, std::chrono::nanoseconds fault_time, TrackingBudget& budget,
               Time now);

    // Faults that were counted, in a round or outside.
    void count(const FoldedFaults& faults, std::chrono::nanoseconds fault_time,
               TrackingBudget& budget);

    // Returns whether one has ended.
    bool end_if_over(Time now);
    void restart() { period_.restart(); }

    const AttributionState& state() const { return state_; }

  private:
    std::string why_not_now(const Process& process, std::chrono::nanoseconds fault_time,
                            const TrackingBudget& budget);
    bool take_down_mappings(const Process& process);

    std::chrono::milliseconds length_, longest_stall_;
    PeriodLimits limits_;
    AdaptivePeriod period_;
    AttributionState state_;
    std::string failure_;  // of the last attempt
    bool possible_ = false, runs_ = false;
    Time began_{};
    std::chrono::nanoseconds cost_{0};  // of the round that runs, so far
    std::uint64_t faults_ = 0;          // in it
    std::uint64_t faults_in_last_ = 0;  // round
    std::uint64_t chunks_ = 0;          // that were touched in it
    std::uint64_t agreements_ = 0;      // sum of their agreements, of 1000 each
};

// Pages that a process has, a huge one counted once, by /proc/PID/smaps_rollup; nothing when that
// is none. Pure.
std::optional<std::uint64_t> count_pages_of(std::string_view smaps_rollup);

}  // namespace vnuma
