// Which host node a physical page is on. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma {

inline constexpr std::size_t max_page_frame_ranges = 64 * 1024;

struct PageFrameRange {
    std::uint64_t start = 0, count = 0;  // in pages of 4 KiB
    int node = 0;
};

// One block of /sys/devices/system/memory, as a node's directory links it.
struct MemoryBlock {
    std::uint64_t number = 0;
    int node = 0;
};

class PageFrameTable {
  public:
    // Neither overlapping ranges of different nodes nor too many: nothing then, and `why` tells.
    static std::optional<PageFrameTable> make(std::vector<PageFrameRange> ranges, std::string& why);

    const PageFrameRange* find(std::uint64_t pfn) const;  // nothing if no node has it
    int node_of(std::uint64_t pfn) const;                 // -1 if no node has it

    // Takes pages out, which are then on no node.
    void remove(std::uint64_t start, std::uint64_t count);

    const std::vector<PageFrameRange>& ranges() const { return ranges_; }

  private:
    std::vector<PageFrameRange> ranges_;  // by start, none overlaps another
};

// From /proc/zoneinfo: each zone spans a range of pages. This is enough on most hosts. Where nodes
// are interleaved in physical memory, the spans of their zones overlap and tell nothing; `why` says
// so, and the memory blocks decide. Any text gives a table or a reason.
std::optional<PageFrameTable> parse_zoneinfo(std::string_view text, std::string& why);

// From the memory blocks of every node, which are finer than zones. A block that two nodes share
// gives no table. `block_bytes` is from block_size_bytes.
std::optional<PageFrameTable> from_memory_blocks(std::uint64_t block_bytes,
                                                 const std::vector<MemoryBlock>& blocks,
                                                 std::string& why);

}  // namespace vnuma
