// Reads one guest again and again, and remembers between the looks what need not be read anew.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guests/residency.hpp"
#include "guests/sample.hpp"
#include "guests/settings.hpp"
#include "guests/threads.hpp"

namespace vnuma {

// The kernel walks every page for its sums, and holds up a guest that maps memory meanwhile: 8 ms
// for a GiB of small pages. Guests with more of them are looked at page by page instead.
inline constexpr std::int64_t max_bytes_summed = std::int64_t{4} << 30;
inline constexpr std::uint64_t pages_in_slice = 16'384;   // 64 MiB, about 3 ms by move_pages(2)
inline constexpr std::uint64_t pages_in_sample = 65'536;  // of 128 GiB, about 25 ms

struct PageReaders {
    PageReader& sampling;  // move_pages(2), whatever else there is: it is the faster one for this
    PageReader& exact;
    const char* exact_way;  // "move_pages" or "pagemap"
};

class GuestReader {
  public:
    explicit GuestReader(const Roots& roots) : roots_(roots), threads_(roots.cgroup) {}

    // What the listing and /proc say. `all` reads also what changes rarely. Residency is what was
    // found last, or nothing.
    GuestSample read(const ListedGuest& listed, Source& source, bool all);

    // Looks at the memory of the guest just read, and completes its sample.
    void read_residency(GuestSample& sample, const PageReaders& readers, ResidencyMode mode);

    // When that was done last; the beginning of time if never.
    std::chrono::steady_clock::time_point residency_time() const { return residency_source_.time; }

  private:
    bool find_process(const ListedGuest& listed, GuestSample& sample);
    void read_process(const ListedGuest& listed, GuestSample& sample, bool all);
    void read_map(const Domain& domain, const std::string& uuid, Source& source, bool all);
    bool map_serves(const Domain& domain, const std::vector<Mapping>& mappings) const;
    void sum_by_numa_maps();
    void scan(const PageReaders& readers, ResidencyMode mode);
    void fill_memory(GuestSample& sample) const;

    Roots roots_;
    std::shared_ptr<const Process> process_;
    std::string executable_;
    ThreadReader threads_;
    DeviceLook devices_;
    RamMap map_;
    std::shared_ptr<const Domain> map_domain_;  // that the map is of
    std::vector<Residency> residency_;          // by cell, in the order of map_domain_
    ResidencySource residency_source_;
    std::string residency_trouble_;
    std::optional<ResidencyScan> scan_;
};

// Why this process cannot be the listed guest's; empty when it can. Pure.
std::string why_not_its_process(const std::string& executable, std::string_view command_line,
                                const ListedGuest& listed, bool uuid_on_command_line);

}  // namespace vnuma
