// Heat by DAMON: the kernel samples which pages of QEMU's were accessed, the guest's accesses
// among them, since KVM ages its own page tables with the process'.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "guests/tracking/damon/damon_pool.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// Guests whose regions are remembered; large ones only need that.
inline constexpr std::size_t max_guests_remembered = 64;
// Before any look has told: what one region costs at one sample, configuring and reading included.
inline constexpr std::chrono::nanoseconds first_guess_of_region{3'000};
// What a sample costs besides its regions, in regions.
inline constexpr std::int64_t regions_worth_of_sample = 64;
// Of what a look has taken, this part is taken over into the estimate.
inline constexpr int part_learnt = 4;

class DamonTracker final : public HeatTracker {
  public:
    // Takes over what a killed vnumad has left. Throws TrackingError when there are kdamonds of
    // others.
    // `look_time`: how long looks will be, for estimates.
    DamonTracker(std::unique_ptr<DamonFiles> files, std::chrono::milliseconds scan_time);
    ~DamonTracker() override;

    const char* name() const override { return "damon"; }
    Ability ability(const GuestSample& guest) const override;
    std::string unsupported_reason(const GuestSample& guest) const override;
    std::chrono::microseconds estimate(const GuestSample& guest) const override;
    std::unique_ptr<PendingScan> begin(const GuestSample& guest,
                                       std::chrono::milliseconds duration) override;

  private:
    class Scan;
    struct Remembered {
        std::shared_ptr<const Process> process;
        std::vector<AddressRange> ranges;
        std::vector<AccessedRange> accessed;
    };

    std::vector<AccessedRange> accessed_before(const GuestSample& guest,
                                               const std::vector<AddressRange>& ranges) const;
    void remember(std::shared_ptr<const Process> process, const DamonPlan& plan,
                  const std::vector<AccessedRange>& accessed);
    void learn(const DamonPlan& plan, std::chrono::nanoseconds taken);
    DamonPlan plan_for(const GuestSample& guest, std::chrono::milliseconds duration) const;
    void turn_on(Scan& scan);
    void check_it_runs(const Scan& scan);
    HeatScan finish(Scan& scan);

    const std::chrono::milliseconds scan_time_;
    std::unique_ptr<DamonFiles> files_;
    KdamondPool pool_;
    std::vector<Remembered> remembered_;  // the longest unused first
    std::chrono::nanoseconds region_cost_ = first_guess_of_region;
    AnswerTimes answers_;
};

// None, and why, where there is no DAMON, it may not be used, or somebody else uses it.
std::unique_ptr<HeatTracker> probe_damon(const std::string& sysfs_root,
                                         std::chrono::milliseconds scan_time, std::string& why_not);

}  // namespace vnuma
