// Measures heat with DAMON: the kernel samples which pages of the QEMU process were accessed. The
// guest's accesses are among them, since KVM's MMU notifier ages its page tables together with the
// process's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "guests/tracking/damon/damon_pool.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// The result of the last scan is kept for this many guests whose regions DAMON adapts.
inline constexpr std::size_t max_guests_remembered = 64;
// The expected CPU time of one sample of one region, its share of configuring and reading included,
// before any scan has been measured.
inline constexpr std::chrono::nanoseconds initial_region_cost{3'000};
// The fixed cost of a sample, as a number of regions that cost the same.
inline constexpr std::int64_t sample_cost_in_regions = 64;
// Each scan moves the expected cost by 1/4 of the difference to its own cost.
inline constexpr int cost_learning_divisor = 4;

class DamonTracker final : public HeatTracker {
  public:
    // Removes the kdamonds that a killed vnumad has left. `scan_time` is the usual length of scans,
    // for estimates. Throws TrackingError if the host has kdamonds of other programs.
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
    struct EarlierScan {
        std::shared_ptr<const Process> process;
        std::vector<AddressRange> ranges;
        std::vector<AccessedRange> accessed;
    };

    std::vector<AccessedRange> accessed_before(const GuestSample& guest,
                                               const std::vector<AddressRange>& ranges) const;
    void remember(std::shared_ptr<const Process> process, const DamonPlan& plan,
                  const std::vector<AccessedRange>& accessed);
    void learn_cost(const DamonPlan& plan, std::chrono::nanoseconds cost);
    DamonPlan plan_for(const GuestSample& guest, std::chrono::milliseconds duration) const;
    void turn_on(Scan& scan);
    void check_running(const Scan& scan);
    HeatScan finish(Scan& scan);

    const std::chrono::milliseconds scan_time_;
    std::unique_ptr<DamonFiles> files_;
    KdamondPool pool_;
    std::vector<EarlierScan> earlier_scans_;  // the oldest first
    std::chrono::nanoseconds region_cost_ = initial_region_cost;
    ReportTiming report_timing_;
};

// Returns null and sets `error` if the kernel has no DAMON, vnumad lacks the permission to use it,
// or another program uses it.
std::unique_ptr<HeatTracker> probe_damon(const std::string& sysfs_root,
                                         std::chrono::milliseconds scan_time, std::string& error);

}  // namespace vnuma
