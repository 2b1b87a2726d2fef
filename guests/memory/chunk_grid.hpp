// How memory is cut into numbered chunks. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "guests/memory/summed_residency.hpp"

namespace vnuma {

// What follows a chunk's beginning up to the end of the range that it is in.
struct RestOfRange {
    std::size_t range = 0;  // index
    std::uint64_t address = 0, bytes = 0;
};

// Chunks of one size, numbered through the ranges in their order. Every range begins a chunk of its
// own, and its last one may be shorter.
class ChunkGrid {
  public:
    ChunkGrid() = default;
    // `chunk_bytes` above 0. Throws std::length_error beyond `max_chunks`, or for a range beyond
    // the address space.
    ChunkGrid(std::vector<RamRange> ranges, std::uint64_t chunk_bytes, std::size_t max_chunks);

    std::size_t size() const { return size_; }
    std::uint64_t chunk_bytes() const { return chunk_bytes_; }
    const std::vector<RamRange>& ranges() const { return ranges_; }
    std::size_t first_chunk(std::size_t range) const { return first_chunks_[range]; }

    RestOfRange rest_of_range(std::size_t chunk) const;
    RamRange chunk(std::size_t chunk) const;

    // The chunk an address is in; it is searched for, by halves, among the ranges.
    std::optional<std::size_t> find(std::uint64_t address) const;

    std::size_t bytes_held() const;  // beside itself

  private:
    std::vector<RamRange> ranges_;
    std::vector<std::size_t> first_chunks_;  // of each range
    std::vector<std::size_t> by_address_;    // ranges in the order of their addresses
    std::uint64_t chunk_bytes_ = 1;
    std::size_t size_ = 0;
};

// Pairs of chunks, of an earlier and a later grid, that begin and end at the same addresses.
template <typename Visit>
void for_same_chunks(const ChunkGrid& before, const ChunkGrid& after, Visit visit) {
    for (std::size_t chunk = 0; chunk < after.size(); ++chunk) {
        const RamRange here = after.chunk(chunk);
        const auto there = before.find(here.start);
        if (there && before.chunk(*there) == here) visit(*there, chunk);
    }
}

}  // namespace vnuma
