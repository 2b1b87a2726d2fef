// What trackers that look at a guest's pages by /proc/PID/pagemap have in common.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

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
