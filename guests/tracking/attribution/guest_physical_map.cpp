#include "guests/tracking/attribution/guest_physical_map.hpp"

#include <algorithm>
#include <iterator>

namespace vnuma {

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

std::optional<std::uint64_t> GuestPhysicalMap::guest_address(std::uint64_t host_virtual) const {
    for (const Piece& piece : pieces_)
        if (host_virtual - piece.host < piece.bytes) return piece.guest + host_virtual - piece.host;
    return std::nullopt;
}

bool GuestPhysicalMap::overlaps(std::uint64_t guest_physical, int shift) const {
    const std::uint64_t last = guest_physical + ((std::uint64_t{1} << shift) - 1);
    const auto after = std::upper_bound(
        pieces_.begin(), pieces_.end(), last,
        [](std::uint64_t address, const Piece& piece) { return address < piece.guest; });
    return after != pieces_.begin() &&
           std::prev(after)->guest + (std::prev(after)->bytes - 1) >= guest_physical;
}

}  // namespace vnuma
