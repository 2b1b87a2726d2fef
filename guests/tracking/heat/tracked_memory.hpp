// What trackers that look at a guest's pages by /proc/PID/pagemap have in common.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "guests/memory/pagemap.hpp"
#include "guests/model/sample.hpp"
#include "guests/process/process.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// The guest's memory without hugetlb pages, which the kernel keeps neither an idle flag nor a
// written one for. Pure.
std::vector<RamRange> ranges_of_plain_pages(const GuestSample& guest);

// Into pieces of how many bytes the ranges are to be cut, so that there are at most `max_pieces`,
// but for one more in each range: 2 MiB, or twice that as often as needed. Pure.
std::uint64_t piece_bytes_for(const std::vector<RamRange>& ranges, std::uint64_t max_pieces);

// Appends, or lengthens the last one if it goes on with the same level. Pure.
void add_range(std::vector<AccessedRange>& ranges, const AccessedRange& range);

// Open the pagemap of a guest's process and read entries of it, as Pagemap does. Both throw
// TrackingError if the kernel refuses or the process has ended.
Pagemap open_pagemap(const Process& process);
void read_pagemap(const Pagemap& pagemap, const Process& process, std::uint64_t address,
                  std::span<std::uint64_t> entries);

}  // namespace vnuma
