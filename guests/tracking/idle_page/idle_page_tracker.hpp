// Measures heat with the kernel's idle page tracking
// (Documentation/admin-guide/mm/idle_page_tracking.rst). A scan marks sampled pages as idle, and an
// access by any process or vCPU removes the mark. The kernel finds accesses in the accessed bits of
// the page tables that map a page, KVM's included, so reads count as well as writes and no page
// faults are induced.
//
// One page is sampled for each piece of memory, a different page in each scan. The tracker needs
// page frame numbers, and so CAP_SYS_ADMIN, and root's rights for the kernel's files.
//
// Used memory may seem idle, but idle memory never seems used:
// - Marking a page clears its accessed bits, which another user of idle page tracking would have to
//   see. So a guest has one scan at a time, and no other program may use this interface.
// - The kernel does not flush TLBs. Hot memory that stays in a CPU's TLB sets no accessed bits;
// this
//   happens to a thread that is rarely descheduled, mostly with huge pages.
// - Under memory pressure the multi-generational LRU clears accessed bits and leaves the marks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "guests/tracking/heat/heat_tracker.hpp"
#include "guests/tracking/idle_page/idle_page_files.hpp"

namespace vnuma {

class IdlePageTracker : public HeatTracker {
  public:
    // Most pieces of a guest, and so most pages that a scan samples: pieces are 2 MiB for guests of
    // up to 128 GiB. Each page takes some microseconds.
    static constexpr std::uint64_t max_pages_sampled = 64 * 1024;
    // The cost of the last scan is remembered for this many guests.
    static constexpr std::size_t max_guests = 1024;

    // `sysfs` and `proc` are the roots of these file systems; tests have their own.
    IdlePageTracker(const std::string& sysfs, const std::string& proc) : files_(sysfs, proc) {}

    // Why the kernel's files cannot be used; empty if they can.
    const std::string& error() const { return files_.error(); }

    const char* name() const override { return "idle-page"; }
    Ability ability(const GuestSample& guest) const override;
    std::string unsupported_reason(const GuestSample& guest) const override;
    std::chrono::microseconds estimate(const GuestSample& guest) const override;
    std::unique_ptr<PendingScan> begin(const GuestSample& guest,
                                       std::chrono::milliseconds duration) override;

  private:
    class Scan;

    IdlePageFiles files_;
    std::uint64_t scans_ = 0;                                // of all guests
    std::set<std::string> scanned_guests_;                   // with a scan that runs, by uuid
    std::map<std::string, std::chrono::microseconds> cost_;  // of the last scan, by uuid
};

// Returns null and sets `error` if the kernel has no idle page tracking or vnumad lacks the
// permission to use it.
std::unique_ptr<HeatTracker> probe_idle_pages(std::string& error);

}  // namespace vnuma
