// The host node of each page frame, that is, of each small page of physical memory. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma {

inline constexpr std::size_t max_page_frame_ranges = 64 * 1024;

// Consecutive page frames of one node.
struct PageFrameRange {
    std::uint64_t start = 0, count = 0;  // page frame numbers
    int node = 0;                        // the kernel's number
};

// The kernel onlines and offlines memory in blocks: one memoryNUMBER link in
// /sys/devices/system/node/nodeN.
struct MemoryBlock {
    std::uint64_t number = 0;
    int node = 0;
};

class PageFrameTable {
  public:
    // Ranges may be in any order. Nothing if ranges of different nodes overlap, if a range is
    // beyond 52 bits of physical address, or if there are no ranges or more than
    // max_page_frame_ranges; `why` is the reason then. Page frame 0 is on no node, because pagemap
    // shows number 0 for every page if it hides the numbers.
    static std::optional<PageFrameTable> make(std::vector<PageFrameRange> ranges, std::string& why);

    const PageFrameRange* find(std::uint64_t pfn) const;  // null if the frame is on no node
    int node_of(std::uint64_t pfn) const;                 // -1 if the frame is on no node

    // Removes `count` page frames, which are on no node then.
    void remove(std::uint64_t start, std::uint64_t count);

    const std::vector<PageFrameRange>& ranges() const { return ranges_; }

  private:
    std::vector<PageFrameRange> ranges_;  // sorted by start, without overlap
};

// Makes the table from /proc/zoneinfo, where each zone of a node spans a range of page frames. It
// suffices on most hosts. On hosts whose nodes are interleaved in physical memory the spans of the
// zones overlap; nothing is returned then, `why` says so, and the memory blocks have to be read.
// Lines that are not the kernel's are skipped.
std::optional<PageFrameTable> parse_zoneinfo(std::string_view text, std::string& why);

// Makes the table from the memory blocks of all nodes, which are finer than zones. Nothing if two
// nodes share a block; `why` is the reason then. `block_bytes` is the value of
// /sys/devices/system/memory/block_size_bytes.
std::optional<PageFrameTable> from_memory_blocks(std::uint64_t block_bytes,
                                                 const std::vector<MemoryBlock>& blocks,
                                                 std::string& why);

}  // namespace vnuma
