// Which pages of a guest are written: the kernel's soft-dirty bits (/proc/PID/clear_refs and bit 55
// of /proc/PID/pagemap; Documentation/admin-guide/mm/soft-dirty.rst). Writes only, page by page.
//
// A look begins with one write that takes the mark off every page of the process. The kernel walks
// all of its page tables for that, with the lock of its address space held, and takes down all that
// KVM has mapped of it: vCPUs that touch memory wait until that is done, and then fault once for
// each page (or huge page) they touch again. For each huge page it also interrupts every CPU that
// runs a vCPU, and waits for it. So it is no tracker for large guests; estimate() tells, best after
// a first look.
//
// A process has one set of these marks: whoever else works with them on the same guest (CRIU, for
// one) is told too little from the first look on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

struct WrittenPages {
    std::uint64_t present = 0, written = 0;
    // What KVM maps at most to cover them: one for a huge page, where page numbers are shown.
    std::uint64_t mappings = 0;

    WrittenPages& operator+=(const WrittenPages& other);
    friend bool operator==(const WrittenPages&, const WrittenPages&) = default;
};

// Of the entries of a chunk or a part of one. Pure.
WrittenPages count_written(std::span<const std::uint64_t> entries);

// The share of the pages that were written; not 0 if there was one. Pure.
std::uint16_t level_of(const WrittenPages& pages);

class SoftDirtyTracker : public HeatTracker {
  public:
    // Pieces of a guest that are told apart: of 2 MiB each up to 512 GiB.
    static constexpr std::uint64_t max_pieces = 256 * 1024;
    // What one call of finish() reads: 64 GiB, half a second of small pages.
    static constexpr std::uint64_t max_pages_of_call = 16 * 1024 * 1024;
    // Guests whose costs are remembered.
    static constexpr std::size_t max_guests = 1024;

    const char* name() const override { return "soft-dirty"; }
    Ability ability(const GuestSample& guest) const override;
    std::string side_effect() const override { return "takes down what is mapped of it"; }
    std::string why_not(const GuestSample& guest) const override;
    std::chrono::microseconds estimate(const GuestSample& guest) const override;
    std::chrono::microseconds stall(const GuestSample& guest) const override;
    std::unique_ptr<PendingScan> begin(const GuestSample& guest,
                                       std::chrono::milliseconds duration) override;

  private:
    class Scan;

    // In the last look, by uuid; of this process.
    struct Spent {
        pid_t pid = -1;
        std::chrono::microseconds all{0}, stall{0};
        std::int64_t pages = 0;  // that it had
    };
    const Spent* spent_on(const GuestSample& guest) const;

    std::map<std::string, Spent> spent_;
};

// Nothing where the kernel does not keep such marks. What a guest's files allow, why_not() tells.
std::unique_ptr<HeatTracker> probe_soft_dirty(std::string& why_not);

}  // namespace vnuma
