// Turns the accessed ranges of a scan into one access level per chunk. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "guests/memory/chunk_grid.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

inline constexpr std::int32_t not_scanned = -1;

// The access level of each chunk of the grid, 0 to max_level: the mean over the scanned bytes of
// the chunk, or not_scanned if there are none. The ranges may come in any order. Where two ranges
// overlap, the one that begins first decides.
std::vector<std::int32_t> levels_by_chunk(std::vector<AccessedRange> accessed,
                                          const ChunkGrid& grid);

}  // namespace vnuma
