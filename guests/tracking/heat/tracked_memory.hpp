// What the trackers that read /proc/PID/pagemap have in common.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

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

// An open /proc/PID/pagemap. It is of the memory the process had when it was opened, and of no
// other process'.
class PagemapFile {
  public:
    // Throws TrackingError.
    explicit PagemapFile(const Process& process);
    ~PagemapFile();
    PagemapFile(const PagemapFile&) = delete;
    PagemapFile& operator=(const PagemapFile&) = delete;

    // The entries of the pages from this address on; 0 for those behind the end of the address
    // space. Throws TrackingError, also when the process has ended.
    void read(std::uint64_t address, std::span<std::uint64_t> entries) const;

  private:
    const Process& process_;
    int file_;
};

}  // namespace vnuma
