// Rounds of induced faults for one guest: all of KVM's mappings of its memory are taken down at
// once, and who touches a page next is seen by the fault this takes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "guests/model/settings.hpp"
#include "guests/model/tracking_sample.hpp"
#include "guests/process/process.hpp"
#include "guests/tracking/attribution/attribution.hpp"
#include "guests/tracking/attribution/page_count.hpp"
#include "guests/tracking/tracking_budget.hpp"

namespace vnuma {

// Until the first faults have been measured. KVM's own, with the exit from the guest and a page
// that is there: some microseconds on any machine of the last ten years.
inline constexpr std::chrono::nanoseconds assumed_fault_time{5'000};
// Until the first round. What the kernel takes to write-protect one page, with others waiting.
inline constexpr std::chrono::nanoseconds assumed_stall_by_page{100};

class FaultRounds {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit FaultRounds(const TrackingSettings& settings)
        : length_(settings.round_time),
          longest_stall_(settings.longest_stall),
          limits_(settings.period),
          period_(settings.period) {}

    // `obstacle`: why there can be none although they are wanted; empty when there may be some.
    void set_wanted(bool wanted, std::string obstacle);

    // Two make a sample, so the second follows the first at once.
    bool due(Time now) const {
        const bool at_once = sampled_ == 1 && failure_.empty();
        return possible_ && !runs_ && now >= refused_until_ &&
               (at_once || counts_ || period_.due(now));
    }
    Time last() const { return began_; }

    // Whether one that is due can begin: the guest can afford it. Its pages are counted for that,
    // which may take some ticks. `largest_page`: of the guest's memory, in bytes.
    bool may_begin(const std::shared_ptr<const Process>& process, std::uint64_t largest_page,
                   std::chrono::nanoseconds fault_time, PageCounting& counting,
                   TrackingBudget& budget, Time now);
    // Right after may_begin(). Returns whether it did.
    bool begin(const Process& process, TrackingBudget& budget);

    // One that is due cannot be: tried again after a longer time.
    void put_off(std::string why, Time now);

    // Faults that were counted, and those that found no room to be. As many as pages
    // that a round has taken down are charged, after its end too; others come for free.
    struct Faults {
        std::uint64_t reads = 0, writes = 0, dropped = 0;
    };
    void charge(const Faults& faults, std::chrono::nanoseconds fault_time, TrackingBudget& budget);

    bool runs() const { return runs_; }
    // Whether one has held the guest up after that.
    bool has_run_since(Time time) const { return took_down_at_ + length_ > time; }
    // After its time; or as soon as nearly all has come back that is expected: as many pages as
    // in the last round, in the first all that were taken down.
    bool over(Time now) const {
        return runs_ && (has_nearly_all() || now >= began_ + length_ - length_ / 10);
    }
    void end(const RecordedFaults& seen, bool well_placed);
    // It has ended some time ago: what comes back from now on does not tell what a round takes.
    void settle() { counting_late_refaults_ = false; }
    // What was seen is of no use any more: two make a sample again.
    void begin_anew();
    void restart() { period_.restart(); }

    const AttributionState& state() const { return state_; }
    bool has_sample() const { return sampled_ >= 2; }

  private:
    // With its pages as counted.
    std::string why_not_now(const TrackingBudget& budget, std::chrono::nanoseconds stall) const;
    // Pages, at least: one that is read and then written faults twice.
    std::uint64_t came_back() const { return std::max(reads_, writes_); }
    bool has_nearly_all() const {
        return expected_ > 0 && came_back() >= expected_ - expected_ / 16;
    }
    void back_off();
    std::chrono::nanoseconds expected_stall(std::uint64_t pages) const;
    bool take_down_mappings(const Process& process);

    std::chrono::milliseconds length_, longest_stall_;
    PeriodLimits limits_;
    AdaptivePeriod period_;
    AttributionState state_;
    std::string failure_;  // of the last attempt
    bool possible_ = false, runs_ = false;
    bool counting_late_refaults_ = false;  // what it took down, just after its end
    Time began_{}, took_down_at_{};
    Time refused_until_{};  // by what is mapped, which is not counted before
    bool counts_ = false;   // its pages are being counted
    std::chrono::nanoseconds counting_took_{0}, counting_cost_{0};  // last
    std::uint64_t pages_ = 0;                                       // as counted last
    std::chrono::nanoseconds estimate_{0};                          // of a round with them
    std::chrono::nanoseconds cost_{0};                              // of the last round, so far
    std::chrono::nanoseconds stalled_{0};   // its vCPUs, that charge() has not come to yet
    std::uint64_t faults_ = 0;              // of it
    std::uint64_t reads_ = 0, writes_ = 0;  // of these
    std::uint64_t expected_ = 0;            // pages to come back
    std::uint64_t dropped_ = 0;             // since it began
    bool lost_ = false;                     // some were, since the one before
    std::uint64_t taken_down_ = 0;          // pages that have not faulted again yet
    std::uint64_t stalled_pages_ = 0;       // pages that the last round took down
    int sampled_ = 0;                       // rounds of this memory; two make a sample
};

}  // namespace vnuma
