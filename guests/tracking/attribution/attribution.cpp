#include "guests/tracking/attribution/attribution.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace vnuma {
namespace {

constexpr std::uint64_t accessor_quarters = 3;
constexpr std::uint64_t thousand = 1000;
// Faults of one kind between two ticks. No host reaches this, and sums stay far inside 64 bits.
constexpr std::uint64_t max_faults = std::uint64_t{1} << 40;

struct ChunkFaults {
    std::size_t chunk = 0;
    int vcpu = 0;
    std::uint64_t reads = 0, writes = 0;
    std::uint64_t all() const { return reads + writes; }
};

// Limit of entries held, 128 MiB: a single fault stands for all chunks of its page, which are 512
// for a page of 1 GiB.
constexpr std::size_t max_located = std::size_t{4} << 20;

// Faults by chunk and vCPU, in this order. Faults that are in no chunk of the guest, by no vCPU of
// it, or beyond max_located are added to `outside`.
std::vector<ChunkFaults> locate(std::span<const CountedFaults> faults, int shift,
                                const GuestPhysicalMap& map, const ChunkGrid& grid,
                                std::uint64_t& outside) {
    std::vector<ChunkFaults> located;
    const std::uint64_t bucket_bytes = std::uint64_t{1} << shift;
    const std::uint64_t step = std::min(bucket_bytes, grid.chunk_bytes());
    for (const CountedFaults& one : faults) {
        if (one.count == 0 || one.count > max_faults) continue;
        if (located.size() + bucket_bytes / step > max_located) {
            outside += one.count;
            continue;
        }
        bool inside = false;
        // The middle of each chunk in the bucket: the bucket's ends may be in other chunks.
        for (std::uint64_t at = step / 2; at < bucket_bytes; at += step) {
            const auto address = map.host_address((one.bucket << shift) + at);
            const auto chunk = address ? grid.find(*address) : std::nullopt;
            if (!chunk || one.vcpu < 0 || one.vcpu > max_vcpu_id) continue;
            inside = true;
            located.push_back(
                {*chunk, one.vcpu, one.write ? 0 : one.count, one.write ? one.count : 0});
        }
        if (!inside) outside += one.count;
    }
    std::sort(located.begin(), located.end(), [](const ChunkFaults& a, const ChunkFaults& b) {
        return std::pair(a.chunk, a.vcpu) < std::pair(b.chunk, b.vcpu);
    });
    return located;
}

struct ChunkTotals {
    std::uint64_t faults = 0, writes = 0;
    int accessor = -1;  // -1: several vCPUs
};

// Adds up the faults of one chunk, which are ordered by vCPU.
ChunkTotals add_up(std::span<const ChunkFaults> chunk) {
    ChunkTotals totals;
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < chunk.size();) {
        const int vcpu = chunk[i].vcpu;
        std::uint64_t faults = 0;
        for (; i < chunk.size() && chunk[i].vcpu == vcpu; ++i) {
            faults += chunk[i].all();
            totals.writes += chunk[i].writes;
        }
        totals.faults += faults;
        if (faults > most) most = faults, totals.accessor = vcpu;
    }
    if (most * 4 < totals.faults * accessor_quarters) totals.accessor = -1;
    return totals;
}

// A chunk that no scan has covered may be as hot as any.
std::uint64_t weight_of(const HeatTable& heat, std::size_t chunk) {
    if (!heat.known(chunk)) return thousand;
    return std::max<std::uint64_t>(heat.heat(chunk) * thousand / max_level, 1);
}

}  // namespace

RecordedFaults record_faults(std::span<const CountedFaults> faults, int shift,
                             const GuestPhysicalMap& map, HeatTable& heat, AccessMatrix& matrix,
                             FaultOrigin origin) {
    RecordedFaults recorded;
    const std::vector<ChunkFaults> located =
        locate(faults, shift, map, heat.grid(), recorded.outside);
    recorded.faults = recorded.outside;
    std::size_t agreed = 0;
    // Chunks are in order, and so are their extents: all extents below this one have faded.
    std::size_t next_to_fade = 0;
    for (std::size_t i = 0; i < located.size();) {
        const std::size_t chunk = located[i].chunk;
        const std::size_t extent = matrix.extent_of(chunk);
        if (origin == FaultOrigin::incidental) next_to_fade = std::max(next_to_fade, extent);
        while (next_to_fade <= extent)
            matrix.fade(next_to_fade++);
        std::size_t end = i;
        while (end < located.size() && located[end].chunk == chunk)
            ++end;
        const std::span<const ChunkFaults> of_chunk(&located[i], end - i);
        const ChunkTotals totals = add_up(of_chunk);
        const Accessor before = heat.accessor(chunk);
        heat.record_faults(chunk, totals.accessor, totals.faults, totals.writes);
        agreed += before.kind != Accessor::unknown && before == heat.accessor(chunk) ? 1 : 0;
        const std::uint64_t weight = weight_of(heat, chunk);
        for (const ChunkFaults& one : of_chunk)
            matrix.add(static_cast<std::size_t>(one.vcpu), chunk,
                       static_cast<std::uint32_t>(weight * one.all() / totals.faults));
        recorded.faults += totals.faults;
        ++recorded.chunks;
        i = end;
    }
    // A round in which nothing faulted has gone wrong, and nothing fades.
    while (origin == FaultOrigin::round && recorded.chunks > 0 && next_to_fade < matrix.extents())
        matrix.fade(next_to_fade++);
    if (recorded.chunks > 0)
        recorded.agreement = static_cast<int>(agreed * thousand / recorded.chunks);
    return recorded;
}

}  // namespace vnuma
