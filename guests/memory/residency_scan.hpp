// Reads the residency of one guest page by page, in as many pieces as the caller likes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "guests/memory/chunk_residency.hpp"
#include "guests/memory/page_nodes.hpp"
#include "guests/model/ram.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

struct CellRam {
    std::vector<RamRange> ranges;
    // Page size of each range. An exact scan queries one address per page, and at least one per
    // chunk. It queries each small page of a range without an entry, or whose entry is no power of
    // two above 4096. Transparent huge pages come and go and must not be given here.
    std::vector<std::uint64_t> page_bytes;
};

struct ScanResult {
    std::uint64_t pages = 0;      // number of pages queried
    std::uint64_t calls = 0;      // number of system calls
    bool pass_completed = false;  // the pass has reached the end of the guest's RAM
    bool gone = false;            // the process has ended; what was known before is kept
};

// Limit of the pages that one call of scan_all() queries: 16 TiB in small pages.
inline constexpr std::uint64_t max_pages_of_full_scan = std::uint64_t{1} << 32;

// There are two independent passes over the guest's RAM: an exact one, which reads every page, and
// a sampled one, which reads one page of each chunk. Each call continues its pass where the
// previous call stopped, and the next pass begins when one is completed.
//
// A refusal by the kernel is thrown as std::system_error, and the next call continues at the same
// place. Holds 8 bytes for each chunk and a few hundred for the guest, see bytes_held(). For one
// thread at a time.
class ResidencyScan {
  public:
    // Throws std::length_error as ChunkResidency does.
    explicit ResidencyScan(std::vector<CellRam> cells);

    // Reads every page, from the beginning to the end, and completes an exact pass. With
    // MovePagesReader it takes 43 ms for 1 GiB, and minutes for a guest of some TiB.
    ScanResult scan_all(PageReader& reader, const Process& process);

    // Reads every page of the next chunks of the exact pass, at most `max_pages` pages but at least
    // one chunk. It stops at the end of the pass.
    ScanResult scan_slice(PageReader& reader, const Process& process, std::uint64_t max_pages);

    // Reads one page of each of the next chunks of the sampled pass, at most `max_pages` chunks but
    // at least one. It stops at the end of the pass. Exact knowledge of a chunk is kept unless the
    // sampled page contradicts it. Each pass reads another page, and pages_in_chunk passes read
    // every page of a chunk once.
    ScanResult sample(PageReader& reader, const Process& process, std::uint64_t max_pages);

    // Replaces the cells, after memory was plugged for example. What is known of unchanged chunks
    // is kept. The passes continue at about the same place.
    void change_cells(std::vector<CellRam> cells);

    const std::vector<ChunkResidency>& cells() const { return cells_; }
    std::uint64_t exact_passes() const { return exact_.passes; }      // number completed
    std::uint64_t sampled_passes() const { return sampled_.passes; }  // number completed
    // Memory of this object and what it allocated, bytes.
    std::size_t bytes_held() const;

  private:
    struct Cursor {
        Knowledge knowledge;              // what the pass gives
        std::size_t cell = 0, chunk = 0;  // next chunk to read
        std::uint64_t passes = 0;
    };
    struct Batch;

    ScanResult scan(PageReader& reader, const Process& process, Cursor& cursor,
                    std::uint64_t max_pages);
    Batch next_batch(const Cursor& cursor, std::uint64_t max_pages) const;
    void store(const Cursor& cursor, const Batch& batch, std::span<const int> nodes);
    void skip_cells_at_end(Cursor& cursor) const;
    void rewind(Cursor& cursor) const;
    bool advance(Cursor& cursor, std::size_t chunks) const;

    std::vector<ChunkResidency> cells_;
    std::vector<std::vector<std::uint64_t>> page_bytes_;  // by cell and range
    Cursor exact_{Knowledge::exact};
    Cursor sampled_{Knowledge::sampled};
};

// The page of a chunk that a pass of sampling reads, 0 to pages_in_chunk - 1. Successive passes are
// about the golden ratio of a chunk apart, so that few passes are spread evenly. Pure.
int sampled_page(std::uint64_t pass);

}  // namespace vnuma
