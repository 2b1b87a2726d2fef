#include "guests/tracking/attribution/attribution.hpp"

#include <algorithm>

#include "guests/model/access_matrix.hpp"

namespace vnuma {
namespace {

constexpr std::uint64_t own_quarters = 3;
constexpr std::uint64_t thousand = 1000;
// Of one kind between two ticks: no host has so many, and sums stay far inside 64 bits.
constexpr std::uint64_t max_faults = std::uint64_t{1} << 40;

struct ChunkFaults {
    std::size_t chunk = 0;
    int vcpu = 0;
    std::uint64_t reads = 0, writes = 0;
    std::uint64_t all() const { return reads + writes; }
};

// One fault speaks for all chunks of a page, 512 of 1 GiB: no more than this is held, 128 MiB.
constexpr std::size_t max_located = std::size_t{4} << 20;

// By chunk and vCPU; faults outside of the guest's chunks, or for which there is no room, are
// counted only.
std::vector<ChunkFaults> locate(std::span<const CountedFaults> faults, int shift,
                                const GuestPhysicalMap& map, const ChunkGrid& grid,
                                std::uint64_t& outside) {
    std::vector<ChunkFaults> located;
    const std::uint64_t group_bytes = std::uint64_t{1} << shift;
    const std::uint64_t step = std::min(group_bytes, grid.chunk_bytes());
    for (const CountedFaults& one : faults) {
        if (one.count == 0 || one.count > max_faults) continue;
        if (located.size() + group_bytes / step > max_located) {
            outside += one.count;
            continue;
        }
        bool inside = false;
        // The middle of each chunk of the group: its ends may be in the ones before and behind.
        for (std::uint64_t at = step / 2; at < group_bytes; at += step) {
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

// All faults of one chunk, ordered by vCPU.
struct ChunkTotals {
    std::uint64_t faults = 0, writes = 0;
    int owner = -1;
};

ChunkTotals add_up(std::span<const ChunkFaults> chunk) {
    ChunkTotals totals;
    std::uint64_t top = 0;
    for (std::size_t i = 0; i < chunk.size();) {
        const int vcpu = chunk[i].vcpu;
        std::uint64_t own = 0;
        for (; i < chunk.size() && chunk[i].vcpu == vcpu; ++i) {
            own += chunk[i].all();
            totals.writes += chunk[i].writes;
        }
        totals.faults += own;
        if (own > top) top = own, totals.owner = vcpu;
    }
    if (top * 4 < totals.faults * own_quarters) totals.owner = -1;
    return totals;
}

// A chunk that was never looked at may be as hot as any.
std::uint64_t weight_of(const HeatTable& heat, std::size_t chunk) {
    if (!heat.known(chunk)) return thousand;
    return std::max<std::uint64_t>(heat.heat(chunk) * thousand / max_level, 1);
}

}  // namespace

GuestPhysicalMap::GuestPhysicalMap(const std::vector<RamBlock>& blocks) {
    for (const RamBlock& block : blocks) {
        std::uint64_t host = block.host.start;
        std::uint64_t left = block.host.size;
        for (const GuestRange& range : block.guest) {
            const std::uint64_t bytes = std::min(range.bytes, left);
            if (bytes > 0) pieces_.push_back({range.start, bytes, host});
            host += bytes;
            left -= bytes;
        }
        complete_ &= left == 0;
    }
    std::sort(pieces_.begin(), pieces_.end(),
              [](const Piece& a, const Piece& b) { return a.guest < b.guest; });
}

std::optional<std::uint64_t> GuestPhysicalMap::host_address(std::uint64_t guest_physical) const {
    const auto after = std::upper_bound(
        pieces_.begin(), pieces_.end(), guest_physical,
        [](std::uint64_t address, const Piece& piece) { return address < piece.guest; });
    if (after == pieces_.begin()) return std::nullopt;
    const Piece& piece = *std::prev(after);
    const std::uint64_t offset = guest_physical - piece.guest;
    if (offset >= piece.bytes) return std::nullopt;
    return piece.host + offset;
}

bool GuestPhysicalMap::has_any(std::uint64_t guest_physical, int shift) const {
    const std::uint64_t last = guest_physical + ((std::uint64_t{1} << shift) - 1);
    const auto after = std::upper_bound(
        pieces_.begin(), pieces_.end(), last,
        [](std::uint64_t address, const Piece& piece) { return address < piece.guest; });
    return after != pieces_.begin() &&
           std::prev(after)->guest + (std::prev(after)->bytes - 1) >= guest_physical;
}

std::optional<std::uint64_t> GuestPhysicalMap::guest_address(std::uint64_t host_virtual) const {
    for (const Piece& piece : pieces_)
        if (host_virtual - piece.host < piece.bytes) return piece.guest + host_virtual - piece.host;
    return std::nullopt;
}

FoldedFaults fold(std::span<const CountedFaults> faults, int shift, const GuestPhysicalMap& map,
                  HeatTable& heat, AccessMatrix& matrix, Observation kind) {
    FoldedFaults folded;
    const std::vector<ChunkFaults> located =
        locate(faults, shift, map, heat.grid(), folded.outside);
    folded.faults = folded.outside;
    std::size_t agreed = 0;
    // In the order of chunks, and so of groups. A round without any has gone wrong.
    std::size_t faded = 0;  // groups
    for (std::size_t i = 0; i < located.size();) {
        const std::size_t chunk = located[i].chunk;
        const std::size_t extent = matrix.extent_of(chunk);
        if (kind == Observation::by_the_way) faded = std::max(faded, extent);
        while (faded <= extent)
            matrix.fade(faded++);
        std::size_t end = i;
        while (end < located.size() && located[end].chunk == chunk)
            ++end;
        const std::span<const ChunkFaults> here(&located[i], end - i);
        const ChunkTotals totals = add_up(here);
        const Accessor before = heat.accessor(chunk);
        heat.record_faults(chunk, totals.owner, totals.faults, totals.writes);
        agreed += before.kind != Accessor::unknown && before == heat.accessor(chunk) ? 1 : 0;
        const std::uint64_t weight = weight_of(heat, chunk);
        for (const ChunkFaults& one : here)
            matrix.add(static_cast<std::size_t>(one.vcpu), chunk,
                       static_cast<std::uint32_t>(weight * one.all() / totals.faults));
        folded.faults += totals.faults;
        ++folded.chunks;
        i = end;
    }
    while (kind == Observation::round && folded.chunks > 0 && faded < matrix.extents())
        matrix.fade(faded++);
    if (folded.chunks > 0) folded.agreement = static_cast<int>(agreed * thousand / folded.chunks);
    return folded;
}

}  // namespace vnuma
