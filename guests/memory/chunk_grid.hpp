// Divides ranges of memory into numbered chunks of one size. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "guests/model/ram.hpp"

namespace vnuma {

// The part of a range that begins with a certain chunk.
struct RestOfRange {
    std::size_t range = 0;  // index of the range
    std::uint64_t address = 0, bytes = 0;
};

// Chunks are numbered from 0 through all ranges in the given order. Each range begins a new chunk,
// and its last chunk is shorter if its size is no multiple of the chunk size.
class ChunkGrid {
  public:
    ChunkGrid() = default;
    // `chunk_bytes` must not be 0. Throws std::length_error if the ranges have more than
    // `max_chunks` chunks, or if one ends beyond the address space.
    ChunkGrid(std::vector<RamRange> ranges, std::uint64_t chunk_bytes, std::size_t max_chunks);

    std::size_t size() const { return size_; }  // number of chunks
    std::uint64_t chunk_bytes() const { return chunk_bytes_; }
    const std::vector<RamRange>& ranges() const { return ranges_; }
    std::size_t first_chunk(std::size_t range) const { return first_chunks_[range]; }

    RestOfRange rest_of_range(std::size_t chunk) const;
    RamRange chunk(std::size_t chunk) const;

    // The chunk that an address is in, by binary search among the ranges.
    std::optional<std::size_t> find(std::uint64_t address) const;

    // Heap memory that the grid allocated, bytes.
    std::size_t bytes_held() const;

  private:
    std::vector<RamRange> ranges_;
    std::vector<std::size_t> first_chunks_;  // by range
    std::vector<std::size_t> by_address_;    // indices of the ranges, sorted by start address
    std::uint64_t chunk_bytes_ = 1;
    std::size_t size_ = 0;
};

// Calls visit(before, after) with the numbers of each chunk that has the same bounds in both grids.
template <typename Visit>
void for_each_common_chunk(const ChunkGrid& before, const ChunkGrid& after, Visit visit) {
    for (std::size_t chunk = 0; chunk < after.size(); ++chunk) {
        const RamRange bounds = after.chunk(chunk);
        const auto match = before.find(bounds.start);
        if (match && before.chunk(*match) == bounds) visit(*match, chunk);
    }
}

}  // namespace vnuma
