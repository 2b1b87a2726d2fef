#include "guests/memory/chunk_grid.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace vnuma {

ChunkGrid::ChunkGrid(std::vector<RamRange> ranges, std::uint64_t chunk_bytes,
                     std::size_t max_chunks)
    : ranges_(std::move(ranges)), by_address_(ranges_.size()), chunk_bytes_(chunk_bytes) {
    assert(chunk_bytes > 0);
    for (const RamRange& range : ranges_) {
        first_chunks_.push_back(size_);
        const std::uint64_t chunks = range.size / chunk_bytes_ + (range.size % chunk_bytes_ != 0);
        if (range.start + range.size < range.start)
            throw std::length_error("a range of RAM ends beyond the address space");
        if (chunks > max_chunks - size_)
            throw std::length_error("RAM exceeds " + std::to_string(max_chunks) + " chunks of " +
                                    std::to_string(chunk_bytes_) + " bytes");
        size_ += chunks;
    }
    std::iota(by_address_.begin(), by_address_.end(), std::size_t{0});
    std::sort(by_address_.begin(), by_address_.end(),
              [&](std::size_t a, std::size_t b) { return ranges_[a].start < ranges_[b].start; });
}

RestOfRange ChunkGrid::rest_of_range(std::size_t chunk) const {
    assert(chunk < size_);
    // This finds the last range that begins with the chunk or before it. An empty range has the
    // same first chunk as the next range, so an empty one is never found.
    const auto after = std::upper_bound(first_chunks_.begin(), first_chunks_.end(), chunk);
    const auto range = static_cast<std::size_t>(after - first_chunks_.begin()) - 1;
    const std::uint64_t offset = (chunk - first_chunks_[range]) * chunk_bytes_;
    return {range, ranges_[range].start + offset, ranges_[range].size - offset};
}

RamRange ChunkGrid::chunk(std::size_t chunk) const {
    const RestOfRange rest = rest_of_range(chunk);
    return {rest.address, std::min(rest.bytes, chunk_bytes_)};
}

std::optional<std::size_t> ChunkGrid::find(std::uint64_t address) const {
    const auto after = std::upper_bound(
        by_address_.begin(), by_address_.end(), address,
        [&](std::uint64_t at, std::size_t range) { return at < ranges_[range].start; });
    // Empty ranges may begin at the same address as the range that holds it, so they are skipped.
    for (auto at = after; at != by_address_.begin();) {
        const RamRange& range = ranges_[*--at];
        if (address - range.start < range.size)
            return first_chunks_[*at] + (address - range.start) / chunk_bytes_;
        if (range.size > 0) break;
    }
    return std::nullopt;
}

std::size_t ChunkGrid::bytes_held() const {
    return ranges_.capacity() * sizeof(RamRange) +
           (first_chunks_.capacity() + by_address_.capacity()) * sizeof(std::size_t);
}

}  // namespace vnuma
