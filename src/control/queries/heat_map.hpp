// A picture of a guest's memory: where it is, how hot, and who accesses it. Pure.
#pragma once

#include <cstddef>

#include "src/control/protocol/guests.hpp"
#include "src/report/tick.hpp"

namespace vnuma::control {

inline constexpr int max_heat_blocks = 4096;

// At most so many blocks (1 to max_heat_blocks; others are limited to that) of equal size, in the
// order of the addresses in the VMM's address space. The tick must not be blind.
//
// With report.heat_map the sample has the heat of each chunk. Without it, it has which ranges are
// hot, and which ones a single vCPU or several access: then the heat of a block is the share of it
// that is hot, and `trouble` says so. A sample has no node of single chunks: a block has one where
// its cell has so little memory elsewhere that it is certain.
HeatMap map_heat(const Tick& tick, std::size_t guest, int blocks);

}  // namespace vnuma::control
