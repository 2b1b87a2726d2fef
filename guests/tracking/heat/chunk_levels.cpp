#include "guests/tracking/heat/chunk_levels.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace vnuma {
namespace {

// Sorts the ranges by address and removes overlaps.
void make_disjoint(std::vector<AccessedRange>& ranges) {
    const auto before = [](const AccessedRange& a, const AccessedRange& b) {
        return std::pair(a.start, a.end) < std::pair(b.start, b.end);
    };
    // Trackers mostly return sorted ranges.
    if (!std::is_sorted(ranges.begin(), ranges.end(), before))
        std::sort(ranges.begin(), ranges.end(), before);
    std::uint64_t end = 0;
    for (AccessedRange& range : ranges) {
        range.start = std::max(range.start, end);
        range.end = std::max(range.start, range.end);
        end = range.end;
    }
}

// Computes the levels of the chunks in one range of the grid. Accessed ranges are added in the
// order of their addresses.
class RangeLevels {
  public:
    RangeLevels(const RamRange& ram, std::uint64_t chunk_bytes, std::span<std::int32_t> levels)
        : ram_(ram), chunk_bytes_(chunk_bytes), levels_(levels) {}

    void add(const AccessedRange& accessed) {
        std::uint64_t start = std::max(accessed.start, ram_.start) - ram_.start;
        const std::uint64_t end = std::min(accessed.end, ram_.start + ram_.size) - ram_.start;
        while (start < end) {
            const std::size_t chunk = start / chunk_bytes_;
            const std::uint64_t stop = std::min((chunk + 1) * chunk_bytes_, end);
            if (start % chunk_bytes_ == 0 && end - start >= chunk_bytes_) {
                const std::size_t whole = (end - start) / chunk_bytes_;
                std::fill_n(levels_.begin() + static_cast<std::ptrdiff_t>(chunk), whole,
                            accessed.level);
                start += whole * chunk_bytes_;
                continue;
            }
            add_part(chunk, stop - start, accessed.level);
            start = stop;
        }
        store_mean();
    }

  private:
    // The parts of one chunk are added in succession.
    void add_part(std::size_t chunk, std::uint64_t bytes, std::uint16_t level) {
        if (chunk != chunk_) store_mean(), chunk_ = chunk, sum_ = 0, bytes_ = 0;
        sum_ += level * bytes;
        bytes_ += bytes;
    }

    void store_mean() {
        if (bytes_ > 0) levels_[chunk_] = static_cast<std::int32_t>(sum_ / bytes_);
    }

    RamRange ram_;
    std::uint64_t chunk_bytes_;
    std::span<std::int32_t> levels_;
    std::size_t chunk_ = 0;  // the chunk that `sum_` and `bytes_` belong to
    std::uint64_t sum_ = 0, bytes_ = 0;
};

}  // namespace

std::vector<std::int32_t> levels_by_chunk(std::vector<AccessedRange> accessed,
                                          const ChunkGrid& grid) {
    make_disjoint(accessed);
    std::vector<std::int32_t> levels(grid.size(), not_scanned);
    for (std::size_t r = 0; r < grid.ranges().size(); ++r) {
        const RamRange& ram = grid.ranges()[r];
        const std::size_t first = grid.first_chunk(r);
        const std::size_t behind =
            r + 1 < grid.ranges().size() ? grid.first_chunk(r + 1) : grid.size();
        RangeLevels range_levels(ram, grid.chunk_bytes(),
                                 std::span(levels).subspan(first, behind - first));
        auto at = std::upper_bound(
            accessed.begin(), accessed.end(), ram.start,
            [](std::uint64_t start, const AccessedRange& range) { return start < range.end; });
        for (; at != accessed.end() && at->start < ram.start + ram.size; ++at)
            range_levels.add(*at);
    }
    return levels;
}

}  // namespace vnuma
