// Where one guest's memory is, learnt bit by bit: each cell's chunks, and how far the scans are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/page_nodes.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

struct CellRam {
    std::vector<RamRange> ranges;
    // Of each range, where known: one address is asked for each hugetlb page then, and for each
    // chunk of a larger one. 4096 for ranges behind its end, and for transparent huge pages, which
    // come and go. What is no power of two above counts as 4096 too.
    std::vector<std::uint64_t> page_bytes;
};

struct ScanResult {
    std::uint64_t pages = 0;      // asked for
    std::uint64_t calls = 0;      // of the kernel
    bool pass_completed = false;  // all of the guest has been looked at since the pass began
    bool gone = false;            // the process has ended; what was known before is kept
};

// What one call of scan_all() costs at most, in pages: 16 TiB.
inline constexpr std::uint64_t max_pages_of_scan = std::uint64_t{1} << 32;

// Holds 8 bytes for each chunk and a few hundred for the guest (see bytes_held); the buffers are
// the reader's and the stack's. What the kernel refuses is thrown as std::system_error; a scan goes
// on from there when it is called again.
class ResidencyScan {
  public:
    // Throws std::length_error, see ChunkTable.
    explicit ResidencyScan(std::vector<CellRam> cells);

    // Every page, from the beginning: 43 ms for 1 GiB by move_pages, minutes for a guest of some
    // TiB. Counts as a pass of slices, too.
    ScanResult scan_all(PageReader& reader, const Process& process);

    // Every page of the chunks that are next, as many as `max_pages` allows, but one at least and
    // no further than the end of the pass.
    ScanResult scan_slice(PageReader& reader, const Process& process, std::uint64_t max_pages);

    // One page of each chunk, on to the end of the pass or as `max_pages` allows. What was learnt
    // of all pages of a chunk stays unless the sample contradicts it. The page differs from pass to
    // pass: each of a chunk's stands for it once in pages_in_chunk passes.
    ScanResult sample(PageReader& reader, const Process& process, std::uint64_t max_pages);

    // After hotplug and the like. What is known of ranges that stay is kept; the passes go on, from
    // about where they were.
    void change_cells(std::vector<CellRam> cells);

    const std::vector<ChunkTable>& cells() const { return tables_; }
    std::uint64_t exact_passes() const { return exact_.passes; }
    std::uint64_t sampled_passes() const { return sampled_.passes; }
    std::size_t bytes_held() const;

  private:
    struct Cursor {
        Learnt learns;
        std::size_t cell = 0, chunk = 0;
        std::uint64_t passes = 0;
    };
    struct Batch;

    ScanResult scan(PageReader& reader, const Process& process, Cursor& cursor,
                    std::uint64_t max_pages);
    Batch next_batch(const Cursor& cursor, std::uint64_t max_pages) const;
    void store(const Cursor& cursor, const Batch& batch, std::span<const int> nodes);
    bool advance(Cursor& cursor, std::size_t chunks) const;
    void put_right(Cursor& cursor) const;

    std::vector<ChunkTable> tables_;                      // of each cell
    std::vector<std::vector<std::uint64_t>> page_bytes_;  // of each cell's ranges
    Cursor exact_{Learnt::exact};
    Cursor sampled_{Learnt::sampled};
};

// Which page of a chunk a pass of sampling looks at, from 0 to pages_in_chunk - 1. Steps of about
// the golden section, so that few passes are spread well already. Pure.
int sampled_page(std::uint64_t pass);

}  // namespace vnuma
