// Decides when one guest has rounds of induced faults. A round takes down all of KVM's mappings of
// the guest's memory at once; the page faults that follow show which vCPU accesses which page next.
//
// The class is a state machine without effects. Its caller counts the guest's mapped pages
// (PageCounting) and takes the mappings down (clear_mappings()), and reports the results as events:
//
//   state          event                                               next state
//   -------------  --------------------------------------------------  ------------------------
//   Waiting        take_turn(): the guest cannot afford a round        Waiting
//                  await_count(): the pages are still being counted    CountingPages
//                  decide(): a round would cost or stall too much      Waiting{not_before}
//                  decide(): the guest can afford a round              Ready
//   CountingPages  the events of Waiting, with the same next states
//                  set_wanted(false, ...)                              Waiting
//   Ready          start(): the mappings could not be taken down       Waiting
//                  start(): the mappings were taken down               Running
//   Running        end()                                               Waiting
//
// put_off() leads from Waiting and CountingPages to Waiting. After end() the account of the round
// stays open until settle(), since some of its pages fault late.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "guests/model/settings.hpp"
#include "guests/model/tracking_sample.hpp"
#include "guests/tracking/attribution/attribution.hpp"
#include "guests/tracking/attribution/clear_mappings.hpp"
#include "guests/tracking/attribution/page_count.hpp"
#include "guests/tracking/attribution/round_account.hpp"
#include "guests/tracking/scan_period.hpp"
#include "guests/tracking/tracking_budget.hpp"

namespace vnuma {

// Used until faults have been measured: a fault of a page that is present, with the exit from the
// guest, takes KVM some microseconds on any machine of the last ten years.
inline constexpr std::chrono::nanoseconds assumed_fault_time{5'000};
// Used until the first round: the time the kernel takes to write-protect one page under contention.
inline constexpr std::chrono::nanoseconds assumed_stall_by_page{100};

class FaultRounds {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit FaultRounds(const TrackingSettings& settings)
        : length_(settings.round_time),
          longest_stall_(settings.longest_stall),
          limits_(settings.period),
          period_(settings.period) {}

    // Whether the guest should have rounds, and what prevents them; `obstacle` is empty if nothing
    // does. A round that runs goes on.
    void set_wanted(bool wanted, std::string obstacle);
    // The next round may follow after the shortest period.
    void restart() { period_.restart(); }
    // The guest's memory or vCPUs have changed, so that earlier rounds say nothing about them.
    void forget_rounds();

    // Whether an attempt at a round is due. The second round follows the first at once, since an
    // accessor is known only after two.
    bool due(Time now) const;
    Time last_attempt() const { return last_attempt_; }

    // The steps of an attempt, in this order. A step that returns false ends the attempt.
    //
    // False if the guest cannot afford a round, or not even to have its pages counted.
    bool take_turn(const TrackingBudget& budget, Time now);
    // Ends the attempt, since the pages are not counted yet. The next one is due at once.
    void await_count();
    // Decides by the page count. `fault_time` is the CPU time of one fault.
    bool decide(const PageCount& counted, std::chrono::nanoseconds fault_time,
                TrackingBudget& budget, Time now);
    // Begins the round if the mappings were taken down.
    bool start(const ClearedMappings& cleared, TrackingBudget& budget);

    // An attempt that is due is impossible: the next one comes after a longer period.
    void put_off(std::string why, Time now);

    // Charges one fault to the budget for each page that the last round took down, even after the
    // end of the round. Further faults are free.
    void charge(const FaultSums& faults, std::chrono::nanoseconds fault_time,
                TrackingBudget& budget);

    bool running() const { return std::holds_alternative<Running>(state_); }
    // Whether the running round has lasted long enough, or all expected pages but a sixteenth have
    // faulted again. The first round expects all pages, later ones the number of the round before.
    bool over(Time now) const;
    // `well_placed`: see ScanPeriod.
    void end(const RecordedFaults& recorded, bool well_placed);
    // Faults from now on do not count as late refaults of the last round.
    void settle() { account_.close(); }
    // Whether a round, for its full length, held the guest up after `time`.
    bool has_run_since(Time time) const;
    // Whether two rounds of the guest's present memory have ended.
    bool has_two_rounds() const { return rounds_ >= rounds_needed; }

    const AttributionState& report() const { return report_; }

  private:
    static constexpr int rounds_needed = 2;

    struct Waiting {
        Time not_before;  // the next attempt; no limit by default
    };
    struct CountingPages {};
    struct Ready {
        std::uint64_t pages = 0;
        std::chrono::nanoseconds estimate{0};       // CPU time of the round
        std::chrono::nanoseconds counting_cost{0};  // CPU time that counting the pages took
    };
    struct Running {
        bool lost_faults_before = false;  // in or after the round before
    };

    std::chrono::nanoseconds expected_stall(std::uint64_t pages) const;
    std::chrono::nanoseconds estimate(std::uint64_t pages, std::chrono::nanoseconds fault_time,
                                      const TrackingBudget& budget) const;
    std::uint64_t expected_refaults(std::uint64_t pages) const;
    std::string why_not(const Ready& round, const TrackingBudget& budget) const;
    std::string trouble(std::string obstacle) const;
    bool has_lost_faults() const;
    void back_off();

    std::chrono::milliseconds length_, longest_stall_;
    PeriodLimits limits_;
    ScanPeriod period_;  // between two attempts

    std::variant<Waiting, CountingPages, Ready, Running> state_;
    bool allowed_ = false;  // wanted, and no obstacle
    Time last_attempt_{};
    std::string failure_;                        // why the last attempt failed
    std::chrono::nanoseconds counting_took_{0};  // CPU time of the last page count
    RoundAccount account_;                       // of the running round, or else of the last one
    int rounds_ = 0;  // ended rounds of the present memory, rounds_needed at most
    AttributionState report_;
};

}  // namespace vnuma
