// Plans how DAMON scans a guest, and interprets the regions DAMON reports. Pure.
//
// DAMON (Documentation/mm/damon/design.rst of the kernel) divides memory into regions. Once per
// sampling interval it checks one page of each region for an access. At the end of each aggregation
// interval it has counted the accesses to each region, and merges and splits regions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "guests/memory/summed_residency.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// The cost of a scan grows with the product of regions and samples.
inline constexpr std::size_t max_damon_regions = 1024;
inline constexpr std::int64_t min_samples_in_scan = 13;
// The kernel reports regions up to two sampling intervals after they were asked for, which limits
// the interval.
inline constexpr std::chrono::microseconds max_sampling_interval{250'000};
inline constexpr std::chrono::microseconds min_sampling_interval{1'000};
// A scan with more samples consists of several aggregations, and its result is the last of them.
inline constexpr std::int64_t max_samples_per_aggregation = 1'000;
// Aggregations in a scan that lets DAMON adapt its regions, which DAMON does after each of them.
inline constexpr std::int64_t aggregations_to_adapt = 3;
// Aggregations are this short for a kernel that reports regions only at the end of one.
inline constexpr std::int64_t max_samples_before_report = 3;

struct AddressRange {
    std::uint64_t start = 0, end = 0;

    friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

struct DamonPlan {
    // The guest's memory in whole pages of 4 KiB, sorted, without overlap.
    std::vector<AddressRange> ranges;
    // The same memory divided into at most max_damon_regions regions.
    std::vector<AddressRange> regions;
    std::uint64_t bytes = 0;
    std::chrono::microseconds sampling_interval{0};
    std::int64_t samples = 0;  // in the whole scan
    std::int64_t samples_per_aggregation = 0;
    // DAMON merges regions up to a size of bytes / min_regions, and splits regions while there are
    // at most max_regions / 2.
    std::size_t min_regions = 0, max_regions = 0;
    // Whether DAMON is to merge and split regions, because they are larger than chunks.
    bool adapts = false;

    std::chrono::microseconds aggregation_interval() const {
        return sampling_interval * samples_per_aggregation;
    }
};

// Whether there are more ranges than regions.
bool too_many_ranges(const std::vector<RamRange>& ranges);

// Plans a scan of the ranges, of which there may not be too many. The regions are chunks if
// max_damon_regions regions are enough for that. Otherwise the regions are pieces of equal size, or
// those of an `earlier` scan, with accessed regions divided further. `earlier` only suggests
// borders and may hold any values. `reports_per_aggregation` is that of ReportTiming.
DamonPlan plan_scan(const std::vector<RamRange>& ranges, std::chrono::milliseconds duration,
                    const std::vector<AccessedRange>& earlier, bool reports_per_aggregation);

// Finds out whether the kernel reports regions only at the end of an aggregation, as kernels before
// Linux 6.9 do: they begin a report at the end of one aggregation and complete it at the end of the
// next.
class ReportTiming {
  public:
    bool per_aggregation() const { return per_aggregation_; }
    void set_per_aggregation() { per_aggregation_ = true; }
    // Records how long the kernel took for a report. Less than an aggregation proves that it does
    // not report per aggregation. More than that may be due to a busy host and has to be repeated.
    void record(std::chrono::microseconds waited, const DamonPlan& plan);

  private:
    bool per_aggregation_ = false;
    int late_reports_ = 0;  // in a row
};
inline constexpr int late_reports_to_conclude = 2;

// A region as the kernel reports it.
struct DamonRegion {
    std::uint64_t start = 0, end = 0;
    std::uint64_t accesses = 0;  // samples of an aggregation that found the region accessed

    friend bool operator==(const DamonRegion&, const DamonRegion&) = default;
};

struct DamonResult {
    std::vector<AccessedRange> accessed;  // within the plan's ranges, sorted, without overlap
    std::uint64_t bytes = 0;              // the sum of their sizes
};

// Converts reported regions, which may hold any values, into accessed ranges of the guest's memory.
DamonResult interpret_regions(const DamonPlan& plan, std::vector<DamonRegion> regions);

}  // namespace vnuma
