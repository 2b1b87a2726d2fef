// What DAMON is asked for one look at a guest, and what its answer means. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "guests/memory/summed_residency.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// DAMON checks one page of each region at each sample: what it costs is their product.
inline constexpr std::size_t max_damon_regions = 1024;
inline constexpr std::int64_t samples_in_scan = 13;
// The answer comes two samples after it was asked for, so they are never further apart.
inline constexpr std::chrono::microseconds max_sampling{250'000};
inline constexpr std::chrono::microseconds min_sampling{1'000};
// One count is of so many samples at most; a longer look goes on counting, and tells of its end.
inline constexpr std::int64_t max_samples_counted = 1'000;
// Counts in a look that lets DAMON adapt: after each it joins and splits regions.
inline constexpr std::int64_t counts_to_adapt = 3;
// Where the kernel answers only when a count is complete, counts are that short.
inline constexpr std::int64_t samples_when_slow = 3;

struct AddressRange {
    std::uint64_t start = 0, end = 0;

    friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

struct DamonPlan {
    // The guest's memory in whole pages of 4 KiB, sorted, without overlap.
    std::vector<AddressRange> ranges;
    // The same cut into regions, at most max_damon_regions of them.
    std::vector<AddressRange> regions;
    std::uint64_t bytes = 0;
    std::chrono::microseconds sampling{0};
    std::int64_t samples = 0;          // in the whole look
    std::int64_t samples_counted = 0;  // in one count, DAMON's aggregation
    // DAMON joins regions up to bytes / min_regions, and splits them while there are no more than
    // half of max_regions.
    std::size_t min_regions = 0, max_regions = 0;
    bool adapts = false;  // the regions are too coarse to stay as they are

    std::chrono::microseconds counting() const { return sampling * samples_counted; }
};

// Above 1,024 of them: not one region for each.
bool too_many_ranges(const std::vector<RamRange>& ranges);

// Chunks, if there are no more than max_damon_regions; otherwise pieces of equal size, or what
// DAMON had made of the memory in an earlier look, with what was accessed cut finer. Only the
// ranges are taken as they are: `earlier` may be of anything. `slow` is for a kernel that answers
// only after a complete count.
DamonPlan plan_scan(const std::vector<RamRange>& ranges, std::chrono::milliseconds duration,
                    const std::vector<AccessedRange>& earlier, bool slow);

// Whether the kernel answers only when a count is complete, as it did before Linux 6.9. It begins
// an answer with the end of a count then, and ends it with that of the next.
class AnswerTimes {
  public:
    bool slow() const { return slow_; }
    void set_slow() { slow_ = true; }
    // That it waited for less than a count shows that it is not. More may be a busy host, once.
    void note(std::chrono::microseconds waited, const DamonPlan& plan);

  private:
    bool slow_ = false;
    int late_ = 0;
};
inline constexpr int late_answers_to_be_slow = 2;

// As the kernel tells.
struct DamonRegion {
    std::uint64_t start = 0, end = 0;
    std::uint64_t accesses = 0;  // samples of a count that found its page accessed

    friend bool operator==(const DamonRegion&, const DamonRegion&) = default;
};

struct DamonAnswer {
    std::vector<AccessedRange> accessed;  // within the plan's ranges, sorted, without overlap
    std::uint64_t bytes = 0;
};

DamonAnswer understand(const DamonPlan& plan, std::vector<DamonRegion> told);

}  // namespace vnuma
