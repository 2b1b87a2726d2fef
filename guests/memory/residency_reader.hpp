// Reads the residency of one guest, tick after tick.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guests/memory/page_nodes.hpp"
#include "guests/memory/residency_scan.hpp"
#include "guests/model/domain.hpp"
#include "guests/model/sample.hpp"
#include "guests/model/settings.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// Limit of the RAM in small pages that the automatic mode sums by numa_maps, bytes. The kernel
// walks every page for its sums, which takes 8 ms for 1 GiB, and blocks a guest that maps memory
// meanwhile. Larger guests are read page by page.
inline constexpr std::int64_t max_bytes_summed = std::int64_t{4} << 30;
// Limit of the mappings of the process for the same mode. The kernel sums and prints all of them,
// 60,000 in more than a second; a QEMU has a few hundred.
inline constexpr std::size_t max_mappings_summed = 4096;
// Number of pages of one exact slice: 64 MiB of small pages, about 3 ms with move_pages(2).
inline constexpr std::uint64_t pages_in_slice = 16'384;
// Number of pages of one sample: one page of each chunk of 128 GiB, about 25 ms.
inline constexpr std::uint64_t pages_in_sample = 65'536;
// Nothing is done to a guest whose residency is older.
inline constexpr std::chrono::minutes max_residency_age{5};
// If the blocks of several cells cannot be told apart, at least this share of their memory must be
// on one node, in thousandths. Otherwise each cell could be sent to the other one's memory.
inline constexpr std::int64_t least_lost_on_one_node = 750;

struct PageReaders {
    PageReader& sampling;  // for single pages
    PageReader& exact;     // for consecutive pages
};

class ResidencyReader {
  public:
    // Replaces the RAM whose residency is read, in the cells of the domain. The residency is not
    // known then until it is read again, but a scan keeps what it knows of unchanged chunks.
    // `lost` is memory whose cells are known but not its blocks: its residency is read as a whole
    // and divided between those cells. Without blocks and lost memory nothing is read.
    void change_ram(const Domain& domain, const std::vector<RamBlock>& blocks,
                    const LostMemory& lost = {});

    // Tells how many mappings the process has.
    void count_mappings(std::size_t mappings) { mappings_ = mappings; }

    // Reads the memory policy of the process, which holds for memory without a policy of its own.
    // Summing reads all policies anyway, so only scans use it.
    void read_task_policy(const Process& process);

    // Reads the residency of all of the RAM or, in incremental and sampled mode, of the next part
    // of a large guest. With `complete` a sample goes on to the end of the RAM. A failure is kept
    // for fill(), and so is the residency read before. Blocks for the time of the limits above, and
    // in full mode for that of ResidencyScan::scan_all().
    void read(const Process& process, const PageReaders& readers, ResidencyMode mode,
              bool complete);

    // When the residency was last read without a failure; the clock's epoch if never.
    std::chrono::steady_clock::time_point time() const { return source_.time; }

    // Puts the RAM blocks and their residency into the sample of the guest, and marks the guest
    // unsteady if its residency is not known or the owner's memory policy leaves no choice. Cells
    // with lost memory get a share of its residency by their sizes in addition to that of their
    // blocks, and are immovable. So are cells whose memory policy is not understood.
    void fill(GuestSample& sample, std::chrono::steady_clock::time_point now) const;

  private:
    struct Cell {
        std::vector<RamBlock> blocks;
        Residency residency;
    };

    bool has_ram() const;
    ResidencyMode choose_mode() const;
    void sum(const Process& process);
    void scan(const Process& process, const PageReaders& readers, ResidencyMode mode,
              bool complete);
    std::vector<CellRam> scan_cells() const;
    void fill_lost(GuestSample& sample) const;

    // In the order of the domain's cells, and behind them one for lost memory, if there is some.
    std::vector<Cell> cells_;
    std::map<int, std::int64_t> lost_;  // as LostMemory::bytes
    std::size_t mappings_ = 0;
    std::string task_policy_;  // as in numa_maps
    ResidencySource source_;
    std::string failure_;                // why the residency is not known; empty if it is
    std::optional<ResidencyScan> scan_;  // none until the residency is read page by page
};

}  // namespace vnuma
