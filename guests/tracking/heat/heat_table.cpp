#include "guests/tracking/heat/heat_table.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace vnuma {
namespace {

constexpr std::uint64_t least_chunk_bytes = 2 * 1024 * 1024;
constexpr int max_doublings = 24;  // up to chunks of 32 TiB
constexpr int hot_divisor = 8;
// A chunk may be taken for cold by chance, although it is accessed as often as before, with this
// probability.
constexpr double chance_of_no_sample = 1.0 / 40;

// A chunk with at least this heat was accessed so often that `samples` samples find it accessed at
// least once, but for chance_of_no_sample. If p is the share of samples that find the chunk
// accessed, (1 - p)^samples = chance_of_no_sample: p is a quarter for 13 samples, and three fifths
// for 4. A single sample is of one page of the chunk and proves nothing.
std::int32_t surely_sampled_heat(int samples) {
    if (samples < 2) return max_level + 1;
    return static_cast<std::int32_t>(max_level *
                                     (1 - std::pow(chance_of_no_sample, 1.0 / samples)));
}

}  // namespace

std::uint64_t heat_chunk_bytes(std::uint64_t bytes, std::size_t ranges) {
    std::uint64_t chunk = least_chunk_bytes;
    // Every range may end with a chunk of its own that is not full.
    for (int i = 0; i < max_doublings && bytes / chunk + ranges > max_heat_chunks; ++i)
        chunk *= 2;
    return chunk;
}

void HeatTable::change_grid(ChunkGrid grid) {
    HeatTable next(std::move(grid));
    for_each_common_chunk(grid_, next.grid_, [&](std::size_t from, std::size_t to) {
        next.entries_[to] = entries_[from];
    });
    *this = std::move(next);
}

int HeatTable::merge(std::span<const std::int32_t> levels, int samples, bool writes_only) {
    const std::int32_t surely_sampled = surely_sampled_heat(samples);
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
        const bool went_cold = level == 0 && before >= surely_sampled;
        entry.heat = static_cast<std::uint16_t>(went_cold ? 0 : (before + level) / 2);
        entry.known = true;
        if (writes_only && level > 0) entry.writes = 255;
        entry.writes_known |= writes_only;
    }
    return all == 0 ? 1000 : static_cast<int>(common * 1000 / all);
}

void HeatTable::forget_heat() {
    for (Entry& entry : entries_)
        entry.heat = 0, entry.known = false;
}

void HeatTable::record_faults(std::size_t chunk, int vcpu, std::uint64_t faults,
                              std::uint64_t writes) {
    assert(chunk < entries_.size());
    if (faults == 0) return;
    Entry& entry = entries_[chunk];
    const auto share = static_cast<std::uint8_t>(std::min(writes, faults) * 255 / faults);
    entry.writes =
        entry.accessors.empty() ? share : static_cast<std::uint8_t>((entry.writes + share + 1) / 2);
    entry.writes_known = true;
    entry.accessors.record(vcpu);
}

std::uint16_t HeatTable::hot_from() const {
    std::uint64_t sum = 0, chunks = 0;
    for (const Entry& entry : entries_)
        sum += entry.heat, chunks += entry.heat > 0 ? 1 : 0;
    const std::uint64_t mean = chunks > 0 ? sum / chunks : 0;
    return static_cast<std::uint16_t>(std::max<std::uint64_t>(mean / hot_divisor, 1));
}

std::vector<RamRange> hot_ranges(const HeatTable& table, std::uint16_t hot_from) {
    std::vector<RamRange> hot;
    for (std::size_t chunk = 0; chunk < table.grid().size(); ++chunk)
        if (table.heat(chunk) >= hot_from) hot.push_back(table.grid().chunk(chunk));
    std::sort(hot.begin(), hot.end(),
              [](const RamRange& a, const RamRange& b) { return a.start < b.start; });
    std::size_t joined = 0;
    for (const RamRange& chunk : hot) {
        const bool is_neighbour =
            joined > 0 && hot[joined - 1].start + hot[joined - 1].size == chunk.start;
        if (is_neighbour)
            hot[joined - 1].size += chunk.size;
        else
            hot[joined++] = chunk;
    }
    hot.resize(joined <= max_hot_ranges ? joined : 0);
    return hot;
}

std::size_t HeatTable::bytes_held() const {
    return sizeof(*this) + entries_.capacity() * sizeof(Entry) + grid_.bytes_held();
}

}  // namespace vnuma
