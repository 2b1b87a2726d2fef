// What the trackers that read /proc/PID/pagemap have in common.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "guests/memory/pagemap.hpp"
#include "guests/model/sample.hpp"
#include "guests/process/process.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// The guest's memory except hugetlb pages, for which the kernel keeps neither idle flags nor
// soft-dirty bits. Pure.
std::vector<RamRange> ranges_without_hugetlb(const GuestSample& guest);

// The size of the pieces that the ranges have to be divided into for at most `max_pieces` pieces
// plus one per range: 2 MiB, doubled as often as necessary. Pure.
std::uint64_t piece_bytes_for(const std::vector<RamRange>& ranges, std::uint64_t max_pieces);

// Appends the range, or extends the last range if the new one continues it with the same level.
// Pure.
void append_range(std::vector<AccessedRange>& ranges, const AccessedRange& range);

// Open the pagemap of a guest's process and read entries of it, as Pagemap does. Both throw
// TrackingError if the kernel refuses or the process has ended.
Pagemap open_pagemap(const Process& process);
void read_pagemap(const Pagemap& pagemap, const Process& process, std::uint64_t address,
                  std::span<std::uint64_t> entries);

}  // namespace vnuma
