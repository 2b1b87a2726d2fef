#include "guests/tracking/heat/tracked_memory.hpp"

#include <system_error>
#include <utility>

#include "guests/memory/chunk_residency.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

constexpr const char* process_has_ended = "the guest's process has ended";

}  // namespace

std::vector<RamRange> ranges_without_hugetlb(const GuestSample& guest) {
    std::vector<RamRange> ranges;
    for (const CellSample& cell : guest.cells)
        for (const RamBlock& block : cell.blocks)
            if (!block.hugetlb && block.host.size > 0) ranges.push_back(block.host);
    return ranges;
}

std::uint64_t piece_bytes_for(const std::vector<RamRange>& ranges, std::uint64_t max_pieces) {
    std::uint64_t all = 0, bytes = chunk_bytes;
    for (const RamRange& range : ranges)
        all += range.size;
    while (all / bytes > max_pieces)
        bytes *= 2;
    return bytes;
}

void append_range(std::vector<AccessedRange>& ranges, const AccessedRange& range) {
    if (!ranges.empty() && ranges.back().end == range.start && ranges.back().level == range.level)
        ranges.back().end = range.end;
    else
        ranges.push_back(range);
}

Pagemap open_pagemap(const Process& process) {
    try {
        if (auto pagemap = Pagemap::open(process)) return std::move(*pagemap);
    } catch (const std::system_error& error) {
        throw TrackingError(error.what());
    }
    throw TrackingError(process_has_ended);
}

void read_pagemap(const Pagemap& pagemap, const Process& process, std::uint64_t address,
                  std::span<std::uint64_t> entries) {
    try {
        if (pagemap.read(process, address, entries)) return;
    } catch (const std::system_error& error) {
        throw TrackingError(error.what());
    }
    throw TrackingError(process_has_ended);
}

}  // namespace vnuma
