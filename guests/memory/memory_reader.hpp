// Finds one guest's memory, and reads again and again where it is.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/residency_scan.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/sample.hpp"
#include "guests/model/settings.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// The kernel walks every page for its sums, and holds up a guest that maps memory meanwhile: 8 ms
// for a GiB of small pages. Guests with more of them are looked at page by page instead.
inline constexpr std::int64_t max_bytes_summed = std::int64_t{4} << 30;
inline constexpr std::uint64_t pages_in_slice = 16'384;   // 64 MiB, about 3 ms by move_pages(2)
inline constexpr std::uint64_t pages_in_sample = 65'536;  // of 128 GiB, about 25 ms
// Nothing is done to a guest whose memory was looked at longer ago.
inline constexpr std::chrono::minutes max_residency_age{5};

struct PageReaders {
    PageReader& sampling;  // move_pages(2), whatever else there is: it is the faster one for this
    PageReader& exact;
    const char* exact_way;  // "move_pages" or "pagemap"
};

class MemoryReader {
  public:
    // Where the memory is in the process' address space; remembered for as long as it holds. `all`
    // tries again what could not be told, and asks the guest's monitor again.
    void read_map(const Process& process, const ListedGuest& listed, GuestSource& source, bool all);

    // On which nodes it is. `complete` takes the time to look at all of it once; otherwise the part
    // of a large guest that is next.
    void read_residency(const Process& process, const PageReaders& readers, ResidencyMode mode,
                        bool complete);

    // When that was done with success; the beginning of time if never.
    std::chrono::steady_clock::time_point residency_time() const { return source_.time; }

    // Puts what is known into the sample of the guest, and why it must be left alone if so.
    void fill(GuestSample& sample, std::chrono::steady_clock::time_point now) const;

  private:
    bool map_serves(const Domain& domain, const std::vector<Mapping>& mappings) const;
    void find_blocks(const Process& process, const ListedGuest& listed, GuestSource& source,
                     const std::vector<Mapping>& mappings, bool again);
    static RamMap ask(const ListedGuest& listed, GuestSource& source,
                      const std::vector<Mapping>& mappings);
    void forget(std::string why);
    void sum_by_numa_maps(const Process& process);
    void scan(const Process& process, const PageReaders& readers, ResidencyMode mode,
              bool complete);

    RamMap map_;
    std::shared_ptr<const Domain> domain_;  // that the map is of
    bool asked_ = false;                    // the monitor, for this or an earlier map
    std::string task_policy_;               // of the process, for memory without one of its own
    std::vector<Residency> residency_;      // by cell, in the order of the domain's
    ResidencySource source_;
    std::string trouble_;  // why the residency is not known
    std::optional<ResidencyScan> scan_;
};

}  // namespace vnuma
