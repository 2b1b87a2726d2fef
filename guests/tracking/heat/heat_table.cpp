#include "guests/tracking/heat/heat_table.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>

namespace vnuma {
namespace {

constexpr std::uint64_t least_chunk_bytes = 2 * 1024 * 1024;
constexpr int max_doublings = 24;  // chunks of 32 TiB
constexpr int rounds_kept = 8;
constexpr int hot_divisor = 8;
// That what is accessed as often as before is in none of a look's samples happens by chance to one
// chunk in so many.
constexpr double chance_of_none = 1.0 / 40;

// What was accessed in so much of all samples is not missed in so many but for that: from a quarter
// on in 13 samples, and three fifths in four. A single one tells of one page of a chunk, and is
// never sure.
std::int32_t surely_accessed(int samples) {
    if (samples < 2) return max_level + 1;
    return static_cast<std::int32_t>(max_level *
                                     (1 - std::pow(chance_of_none, 1.0 / std::max(samples, 1))));
}

// From many ranges to disjoint ones in the order of their addresses.
void make_disjoint(std::vector<AccessedRange>& ranges) {
    const auto before = [](const AccessedRange& a, const AccessedRange& b) {
        return std::pair(a.start, a.end) < std::pair(b.start, b.end);
    };
    // As they mostly come.
    if (!std::is_sorted(ranges.begin(), ranges.end(), before))
        std::sort(ranges.begin(), ranges.end(), before);
    std::uint64_t end = 0;
    for (AccessedRange& range : ranges) {
        range.start = std::max(range.start, end);
        range.end = std::max(range.start, range.end);
        end = range.end;
    }
}

// The chunks of one range of the grid. `at` is the first accessed range that may reach into it.
class RangeSpread {
  public:
    RangeSpread(const RamRange& ram, std::uint64_t chunk_bytes, std::span<std::int32_t> levels)
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
        close();
    }

  private:
    // Parts of one chunk come one after the other.
    void add_part(std::size_t chunk, std::uint64_t bytes, std::uint16_t level) {
        if (chunk != open_) close(), open_ = chunk, sum_ = 0, bytes_ = 0;
        sum_ += level * bytes;
        bytes_ += bytes;
    }

    void close() {
        if (bytes_ > 0) levels_[open_] = static_cast<std::int32_t>(sum_ / bytes_);
    }

    RamRange ram_;
    std::uint64_t chunk_bytes_;
    std::span<std::int32_t> levels_;
    std::size_t open_ = 0;
    std::uint64_t sum_ = 0, bytes_ = 0;
};

}  // namespace

std::uint64_t heat_chunk_bytes(std::uint64_t bytes, std::size_t ranges) {
    std::uint64_t chunk = least_chunk_bytes;
    // Every range may end with a chunk that is not full.
    for (int i = 0; i < max_doublings && bytes / chunk + ranges > max_heat_chunks; ++i)
        chunk *= 2;
    return chunk;
}

std::vector<std::int32_t> spread(std::vector<AccessedRange> accessed, const ChunkGrid& grid) {
    make_disjoint(accessed);
    std::vector<std::int32_t> levels(grid.size(), not_looked_at);
    for (std::size_t r = 0; r < grid.ranges().size(); ++r) {
        const RamRange& ram = grid.ranges()[r];
        const std::size_t first = grid.first_chunk(r);
        const std::size_t behind =
            r + 1 < grid.ranges().size() ? grid.first_chunk(r + 1) : grid.size();
        RangeSpread into(ram, grid.chunk_bytes(), std::span(levels).subspan(first, behind - first));
        auto at = std::upper_bound(
            accessed.begin(), accessed.end(), ram.start,
            [](std::uint64_t start, const AccessedRange& range) { return start < range.end; });
        for (; at != accessed.end() && at->start < ram.start + ram.size; ++at)
            into.add(*at);
    }
    return levels;
}

void HeatTable::change_grid(ChunkGrid grid) {
    HeatTable next(std::move(grid));
    for_same_chunks(grid_, next.grid_,
                    [&](std::size_t from, std::size_t to) { next.entries_[to] = entries_[from]; });
    *this = std::move(next);
}

int HeatTable::merge(std::span<const std::int32_t> levels, int samples, bool writes) {
    const std::int32_t sure = surely_accessed(samples);
    assert(levels.size() == entries_.size());
    std::uint64_t common = 0, all = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        Entry& entry = entries_[i];
        const std::int32_t level = levels[i];
        if (level < 0) continue;
        const std::int32_t before = entry.known ? entry.heat : level;
        if (entry.known) {
            common += static_cast<std::uint64_t>(std::min(level, before));
            all += static_cast<std::uint64_t>(std::max(level, before));
        }
        const bool deserted = level == 0 && before >= sure;
        entry.heat = static_cast<std::uint16_t>(deserted ? 0 : (before + level) / 2);
        entry.known = true;
        if (writes && level > 0) entry.writes = 255;
        entry.writes_known |= writes;
    }
    return all == 0 ? 1000 : static_cast<int>(common * 1000 / all);
}

void HeatTable::forget_heat() {
    for (Entry& entry : entries_)
        entry.heat = 0, entry.known = false;
}

void HeatTable::note(std::size_t chunk, int vcpu, std::uint64_t faults, std::uint64_t writes) {
    assert(chunk < entries_.size() && vcpu <= max_vcpu_id);
    if (faults == 0) return;
    Entry& entry = entries_[chunk];
    const std::uint16_t now = vcpu < 0 ? many : static_cast<std::uint16_t>(vcpu);
    const bool disagrees = entry.last != nobody && (entry.last != now || now == many);
    entry.disagreements = static_cast<std::uint8_t>(entry.disagreements << 1 | (disagrees ? 1 : 0));
    const auto share = static_cast<std::uint8_t>(std::min(writes, faults) * 255 / faults);
    entry.writes =
        entry.last == nobody ? share : static_cast<std::uint8_t>((entry.writes + share + 1) / 2);
    entry.writes_known = true;
    entry.before = entry.last;
    entry.last = now;
    entry.rounds = static_cast<std::uint8_t>(std::min(entry.rounds + 1, rounds_kept + 1));
}

// Of two vCPUs that take turns at random, one looks alone in one case of 256 after eight rounds.
// That a chunk only changed hands shows when there was one disagreement in all of them, and none in
// the last two: random turns look like that in six cases of 256.
Accessor HeatTable::accessor(std::size_t chunk) const {
    const Entry& entry = entries_[chunk];
    const bool changed_hands = std::popcount(entry.disagreements) == 1 &&
                               (entry.disagreements & 0b11) == 0 && entry.rounds > rounds_kept;
    if (entry.last == many || (entry.disagreements != 0 && !changed_hands))
        return {Accessor::several, -1};
    if (entry.last == nobody || entry.last != entry.before) return {};
    return {Accessor::one, entry.last};
}

std::uint16_t HeatTable::hot_from() const {
    std::uint64_t sum = 0, warm = 0;
    for (const Entry& entry : entries_)
        sum += entry.heat, warm += entry.heat > 0 ? 1 : 0;
    const std::uint64_t mean = warm > 0 ? sum / warm : 0;
    return static_cast<std::uint16_t>(std::max<std::uint64_t>(mean / hot_divisor, 1));
}

std::vector<RamRange> hot_ranges(const HeatTable& table, std::uint16_t hot_from) {
    std::vector<RamRange> hot;
    for (std::size_t chunk = 0; chunk < table.grid().size(); ++chunk)
        if (table.heat(chunk) >= hot_from) hot.push_back(table.grid().chunk(chunk));
    std::sort(hot.begin(), hot.end(),
              [](const RamRange& a, const RamRange& b) { return a.start < b.start; });
    std::size_t pieces = 0;
    for (const RamRange& chunk : hot) {
        const bool goes_on =
            pieces > 0 && hot[pieces - 1].start + hot[pieces - 1].size == chunk.start;
        if (goes_on)
            hot[pieces - 1].size += chunk.size;
        else
            hot[pieces++] = chunk;
    }
    hot.resize(pieces <= max_hot_ranges ? pieces : 0);
    return hot;
}

std::size_t HeatTable::bytes_held() const {
    return sizeof(*this) + entries_.capacity() * sizeof(Entry) + grid_.bytes_held();
}

}  // namespace vnuma
