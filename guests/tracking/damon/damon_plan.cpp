#include "guests/tracking/damon/damon_plan.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "guests/memory/chunk_residency.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t page = 4096;
// The kernel rejects a smaller minimum of regions.
constexpr std::size_t least_min_regions = 3;
// Where DAMON adapts regions, it may merge them up to 1/64 of the memory.
constexpr std::size_t min_regions_when_adapting = 64;

std::vector<AddressRange> whole_pages(const std::vector<RamRange>& ranges) {
    std::vector<AddressRange> sorted;
    for (const RamRange& range : ranges) {
        if (range.size > std::numeric_limits<std::uint64_t>::max() - page - range.start) continue;
        const std::uint64_t start = (range.start + page - 1) / page * page;
        const std::uint64_t end = (range.start + range.size) / page * page;
        if (start < end) sorted.push_back({start, end});
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return a.start < b.start; });
    std::vector<AddressRange> disjoint;
    for (AddressRange range : sorted) {
        if (!disjoint.empty()) range.start = std::max(range.start, disjoint.back().end);
        if (range.start < range.end) disjoint.push_back(range);
    }
    return disjoint;
}

std::size_t count_pieces(const std::vector<AddressRange>& ranges, std::uint64_t piece_bytes) {
    std::size_t count = 0;
    for (const AddressRange& range : ranges)
        count += static_cast<std::size_t>((range.end - range.start - 1) / piece_bytes + 1);
    return count;
}

// The size of pieces of whole chunks that makes max_damon_regions pieces enough. It may be a little
// larger than necessary.
std::uint64_t piece_bytes_within_limit(const std::vector<AddressRange>& ranges,
                                       std::uint64_t bytes) {
    std::uint64_t chunks = std::max<std::uint64_t>(bytes / chunk_bytes / max_damon_regions, 1);
    // This ends at the latest when a piece is as large as the largest range.
    while (count_pieces(ranges, chunks * chunk_bytes) > max_damon_regions)
        chunks += chunks / 16 + 1;
    return chunks * chunk_bytes;
}

std::vector<AddressRange> divide_equally(const std::vector<AddressRange>& ranges,
                                         std::uint64_t piece_bytes) {
    std::vector<AddressRange> regions;
    for (const AddressRange& range : ranges)
        for (std::uint64_t start = range.start; start < range.end;) {
            const std::uint64_t end = start + std::min(piece_bytes, range.end - start);
            regions.push_back({start, end});
            start = end;
        }
    return regions;
}

// The size of the pieces that accessed regions are divided into. DAMON splits a region in two, at a
// random place, and only while there are at most half of max_regions. Dividing accessed regions up
// to that number here finds the hot memory in one scan instead of many.
std::uint64_t accessed_piece_bytes(const std::vector<AccessedRange>& earlier) {
    std::uint64_t accessed = 0;
    for (const AccessedRange& range : earlier)
        if (range.level > 0 && range.end > range.start) accessed += range.end - range.start;
    const std::size_t limit = max_damon_regions / 2;
    if (earlier.size() >= limit) return accessed + chunk_bytes;
    return std::max(chunk_bytes, accessed / (limit - earlier.size()));
}

// The borders that the earlier regions suggest, sorted, at most max_damon_regions of them.
std::vector<std::uint64_t> suggested_borders(const std::vector<AccessedRange>& earlier) {
    const std::uint64_t piece = accessed_piece_bytes(earlier);
    std::vector<std::uint64_t> borders;
    for (const AccessedRange& range : earlier) {
        if (borders.size() >= max_damon_regions) break;
        borders.push_back(range.start);
        if (range.level == 0) continue;
        for (std::uint64_t at = range.start;
             at < range.end && range.end - at > piece && borders.size() < max_damon_regions;)
            borders.push_back(at += piece);
    }
    std::sort(borders.begin(), borders.end());
    return borders;
}

// Divides the ranges at the suggested borders, each moved to the nearest border of a chunk, since
// heat is kept per chunk.
std::vector<AddressRange> divide_as_before(const std::vector<AddressRange>& ranges,
                                           const std::vector<AccessedRange>& earlier) {
    const std::vector<std::uint64_t> borders = suggested_borders(earlier);
    std::vector<AddressRange> regions;
    for (const AddressRange& range : ranges) {
        std::uint64_t start = range.start;
        const auto first = std::upper_bound(borders.begin(), borders.end(), range.start);
        for (auto border = first; border != borders.end() && *border < range.end; ++border) {
            const std::uint64_t chunks = (*border - range.start + chunk_bytes / 2) / chunk_bytes;
            const std::uint64_t end = range.start + chunks * chunk_bytes;
            if (end <= start || end >= range.end) continue;
            regions.push_back({start, end});
            start = end;
        }
        regions.push_back({start, range.end});
    }
    return regions;
}

void choose_times(DamonPlan& plan, std::chrono::milliseconds duration,
                  bool reports_per_aggregation) {
    using std::chrono::microseconds;
    const microseconds whole = std::clamp<microseconds>(
        duration, min_sampling_interval * min_samples_in_scan, std::chrono::hours(1));
    plan.samples = std::max<std::int64_t>(min_samples_in_scan, whole / max_sampling_interval + 1);
    plan.sampling_interval = whole / plan.samples;
    // The last sample is left out: samples come late rather than early, and the aggregation has to
    // be complete before the scan is over.
    plan.samples_per_aggregation = std::min(plan.samples - 1, max_samples_per_aggregation);
    if (plan.adapts) plan.samples_per_aggregation /= aggregations_to_adapt;
    if (reports_per_aggregation)
        plan.samples_per_aggregation =
            std::min(plan.samples_per_aggregation, max_samples_before_report);
}

std::uint16_t level_of(std::uint64_t accesses, std::int64_t samples) {
    const auto most = static_cast<std::uint64_t>(samples);
    return static_cast<std::uint16_t>(std::min(accesses, most) * max_level / most);
}

}  // namespace

bool too_many_ranges(const std::vector<RamRange>& ranges) {
    return ranges.size() > max_damon_regions;
}

DamonPlan plan_scan(const std::vector<RamRange>& ranges, std::chrono::milliseconds duration,
                    const std::vector<AccessedRange>& earlier, bool reports_per_aggregation) {
    assert(!too_many_ranges(ranges));
    DamonPlan plan;
    plan.ranges = whole_pages(ranges);
    for (const AddressRange& range : plan.ranges)
        plan.bytes += range.end - range.start;
    const std::uint64_t piece_bytes = piece_bytes_within_limit(plan.ranges, plan.bytes);
    plan.adapts = piece_bytes > chunk_bytes;
    if (plan.adapts && !earlier.empty()) plan.regions = divide_as_before(plan.ranges, earlier);
    if (plan.regions.empty() || plan.regions.size() > max_damon_regions)
        plan.regions = divide_equally(plan.ranges, piece_bytes);
    // With both limits at the number of regions DAMON splits no region, since there are more than
    // max_regions / 2, and merges no two chunks, since these are larger than bytes / min_regions.
    plan.max_regions =
        plan.adapts ? max_damon_regions : std::max(plan.regions.size(), least_min_regions);
    plan.min_regions = plan.adapts ? min_regions_when_adapting : plan.max_regions;
    choose_times(plan, duration, reports_per_aggregation);
    return plan;
}

void ReportTiming::record(std::chrono::microseconds waited, const DamonPlan& plan) {
    late_reports_ = waited < plan.aggregation_interval() ? 0 : late_reports_ + 1;
    if (late_reports_ == 0) per_aggregation_ = false;
    if (late_reports_ >= late_reports_to_conclude) per_aggregation_ = true;
}

DamonResult interpret_regions(const DamonPlan& plan, std::vector<DamonRegion> regions) {
    std::stable_sort(regions.begin(), regions.end(),
                     [](const auto& a, const auto& b) { return a.start < b.start; });
    DamonResult result;
    std::uint64_t done_to = 0;  // memory below this address is not counted again
    auto range = plan.ranges.begin();
    for (const DamonRegion& region : regions) {
        const std::uint64_t from = std::max(region.start, done_to);
        while (range != plan.ranges.end() && range->end <= from)
            ++range;
        for (auto at = range; at != plan.ranges.end() && at->start < region.end; ++at) {
            const std::uint64_t start = std::max(from, at->start);
            const std::uint64_t end = std::min(region.end, at->end);
            if (start >= end) continue;
            result.accessed.push_back(
                {start, end, level_of(region.accesses, plan.samples_per_aggregation)});
            result.bytes += end - start;
        }
        done_to = std::max(done_to, region.end);
    }
    return result;
}

}  // namespace vnuma
