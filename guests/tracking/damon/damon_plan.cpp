#include "guests/tracking/damon/damon_plan.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "guests/memory/chunk_residency.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t page = 4096;
// The kernel wants three at least.
constexpr std::size_t fewest_regions = 3;
// What adapts may join up to 1/64 of the memory.
constexpr std::size_t fewest_adapted = 64;

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
    std::vector<AddressRange> apart;
    for (AddressRange range : sorted) {
        if (!apart.empty()) range.start = std::max(range.start, apart.back().end);
        if (range.start < range.end) apart.push_back(range);
    }
    return apart;
}

std::size_t pieces(const std::vector<AddressRange>& ranges, std::uint64_t piece_bytes) {
    std::size_t count = 0;
    for (const AddressRange& range : ranges)
        count += static_cast<std::size_t>((range.end - range.start - 1) / piece_bytes + 1);
    return count;
}

// The smallest number of chunks, or little more, that is coarse enough.
std::uint64_t coarse_enough(const std::vector<AddressRange>& ranges, std::uint64_t bytes) {
    std::uint64_t chunks = std::max<std::uint64_t>(bytes / chunk_bytes / max_damon_regions, 1);
    // Ends, since a piece as large as the largest range makes one of each.
    while (pieces(ranges, chunks * chunk_bytes) > max_damon_regions)
        chunks += chunks / 16 + 1;
    return chunks * chunk_bytes;
}

std::vector<AddressRange> cut_equally(const std::vector<AddressRange>& ranges,
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

// DAMON splits in two, wherever it happens, and only while half of the room is left. Up to there
// what was accessed is cut here, which finds the hot parts in one look instead of many.
std::uint64_t finer_piece(const std::vector<AccessedRange>& earlier) {
    std::uint64_t accessed = 0;
    for (const AccessedRange& range : earlier)
        if (range.level > 0 && range.end > range.start) accessed += range.end - range.start;
    const std::size_t room = max_damon_regions / 2;
    if (earlier.size() >= room) return accessed + chunk_bytes;
    return std::max(chunk_bytes, accessed / (room - earlier.size()));
}

// At most max_damon_regions of them.
std::vector<std::uint64_t> borders_of(const std::vector<AccessedRange>& earlier) {
    const std::uint64_t piece = finer_piece(earlier);
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

// At the same borders, moved to those of chunks: finer than these nobody asks.
std::vector<AddressRange> cut_as_before(const std::vector<AddressRange>& ranges,
                                        const std::vector<AccessedRange>& earlier) {
    const std::vector<std::uint64_t> borders = borders_of(earlier);
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

void choose_times(DamonPlan& plan, std::chrono::milliseconds duration, bool slow) {
    using std::chrono::microseconds;
    const microseconds whole =
        std::clamp<microseconds>(duration, min_sampling * samples_in_scan, std::chrono::hours(1));
    plan.samples = std::max<std::int64_t>(samples_in_scan, whole / max_sampling + 1);
    plan.sampling = whole / plan.samples;
    // One less than the look has, since samples come late rather than early.
    plan.samples_counted = std::min(plan.samples - 1, max_samples_counted);
    if (plan.adapts) plan.samples_counted /= counts_to_adapt;
    if (slow) plan.samples_counted = std::min(plan.samples_counted, samples_when_slow);
}

std::uint16_t level_of(std::uint64_t accesses, std::int64_t samples_counted) {
    const auto most = static_cast<std::uint64_t>(samples_counted);
    return static_cast<std::uint16_t>(std::min(accesses, most) * max_level / most);
}

}  // namespace

bool too_many_ranges(const std::vector<RamRange>& ranges) {
    return ranges.size() > max_damon_regions;
}

DamonPlan plan_scan(const std::vector<RamRange>& ranges, std::chrono::milliseconds duration,
                    const std::vector<AccessedRange>& earlier, bool slow) {
    assert(!too_many_ranges(ranges));
    DamonPlan plan;
    plan.ranges = whole_pages(ranges);
    for (const AddressRange& range : plan.ranges)
        plan.bytes += range.end - range.start;
    const std::uint64_t piece_bytes = coarse_enough(plan.ranges, plan.bytes);
    plan.adapts = piece_bytes > chunk_bytes;
    if (plan.adapts && !earlier.empty()) plan.regions = cut_as_before(plan.ranges, earlier);
    if (plan.regions.empty() || plan.regions.size() > max_damon_regions)
        plan.regions = cut_equally(plan.ranges, piece_bytes);
    // As many as there are is neither few enough to split them nor enough to join two.
    plan.max_regions =
        plan.adapts ? max_damon_regions : std::max(plan.regions.size(), fewest_regions);
    plan.min_regions = plan.adapts ? fewest_adapted : plan.max_regions;
    choose_times(plan, duration, slow);
    return plan;
}

void AnswerTimes::note(std::chrono::microseconds waited, const DamonPlan& plan) {
    late_ = waited < plan.counting() ? 0 : late_ + 1;
    if (late_ == 0) slow_ = false;
    if (late_ >= late_answers_to_be_slow) slow_ = true;
}

DamonAnswer understand(const DamonPlan& plan, std::vector<DamonRegion> told) {
    std::stable_sort(told.begin(), told.end(),
                     [](const auto& a, const auto& b) { return a.start < b.start; });
    DamonAnswer answer;
    std::uint64_t known_to = 0;  // nothing is taken twice
    auto range = plan.ranges.begin();
    for (const DamonRegion& region : told) {
        const std::uint64_t from = std::max(region.start, known_to);
        while (range != plan.ranges.end() && range->end <= from)
            ++range;
        for (auto at = range; at != plan.ranges.end() && at->start < region.end; ++at) {
            const std::uint64_t start = std::max(from, at->start);
            const std::uint64_t end = std::min(region.end, at->end);
            if (start >= end) continue;
            answer.accessed.push_back(
                {start, end, level_of(region.accesses, plan.samples_counted)});
            answer.bytes += end - start;
        }
        known_to = std::max(known_to, region.end);
    }
    return answer;
}

}  // namespace vnuma
