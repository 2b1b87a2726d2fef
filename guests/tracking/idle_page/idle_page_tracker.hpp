// Which memory of a guest is used: the kernel's idle page tracking
// (/sys/kernel/mm/page_idle/bitmap; Documentation/admin-guide/mm/idle_page_tracking.rst). A sampled
// page is marked idle; what accesses it, a guest's vCPU too, takes the mark off. Reads as well as
// writes, and no page faults: the kernel looks at the accessed bits of all that maps the page.
//
// One page stands for a chunk, another one in each look. Needs page numbers: CAP_SYS_ADMIN, and
// root for the files.
//
// What is used can seem idle, not the other way round:
// - Whoever marks a page takes its accessed bits, which those who marked it before wait for. So one
//   look at a guest at a time, and no other program that does this.
// - The kernel flushes no TLB for it. Hot memory that a CPU's TLB holds all the time sets no bits:
//   that of a thread which never makes way for another one, mostly in huge pages.
// - Under memory pressure the multi-generational LRU takes accessed bits and leaves the marks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

// Pages that share a word of the bitmap: 64 neighbours. Pure.
struct IdleWord {
    std::uint64_t word = 0;  // index
    std::uint64_t bits = 0;

    friend bool operator==(const IdleWord&, const IdleWord&) = default;
};
// In rising order, each word once.
std::vector<IdleWord> words_of(std::vector<std::uint64_t> pfns);

// Of so many neighbours one is ever looked at: 32 pages of 2 MiB, and about 4 of those that share a
// word. Marks cannot be taken off, so cold pages keep those of the looks before, and for reading a
// word the kernel walks the mappings of every page that is marked in it.
inline constexpr std::uint64_t pages_for_one = 16;

// Which page of a piece is looked at. Each that can be met is met once in as many looks; few looks
// are spread well already. Other pieces, by their number, have other pages. `pages` is above 0.
// Pure.
std::uint64_t page_of_scan(std::uint64_t scan, std::uint64_t piece, std::uint64_t pages);

class IdlePageTracker : public HeatTracker {
  public:
    // Pages in one look, and so pieces of a guest: of 2 MiB up to 128 GiB. Each takes some us.
    static constexpr std::uint64_t max_pages_sampled = 64 * 1024;
    // Guests whose costs are remembered.
    static constexpr std::size_t max_guests = 1024;

    // The kernel's files below these are used. Those of another tree are for tests.
    IdlePageTracker(const std::string& sysfs, const std::string& proc);
    ~IdlePageTracker() override;

    // Why the kernel's files cannot be used; empty when they can.
    const std::string& trouble() const { return trouble_; }

    const char* name() const override { return "idle-page"; }
    Ability ability(const GuestSample& guest) const override;
    std::string unsupported_reason(const GuestSample& guest) const override;
    std::chrono::microseconds estimate(const GuestSample& guest) const override;
    std::unique_ptr<PendingScan> begin(const GuestSample& guest,
                                       std::chrono::milliseconds duration) override;

  private:
    class Scan;

    std::string bitmap_path_, flags_path_;
    int bitmap_ = -1, flags_ = -1;
    std::string trouble_;
    std::uint64_t scans_ = 0;
    std::set<std::string> looked_at_;                         // now, by uuid
    std::map<std::string, std::chrono::microseconds> spent_;  // in the last look, by uuid
};

// Nothing where the kernel has no idle page tracking or does not let this process use it.
std::unique_ptr<HeatTracker> probe_idle_pages(std::string& why_not);

}  // namespace vnuma
