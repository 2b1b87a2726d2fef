// Measures which pages of a guest are written, with the kernel's soft-dirty bits
// (Documentation/admin-guide/mm/soft-dirty.rst): /proc/PID/clear_refs, and bit 55 of the entries of
// /proc/PID/pagemap. Reads are not measured.
//
// A scan begins with one write that clears the bits of all pages of the process. For that the
// kernel walks all page tables of the process under its mmap lock, and removes all of KVM's
// mappings. vCPUs that access memory wait until that is done, and then fault once for each page or
// huge page that they access again. For each huge page the kernel also interrupts every CPU that
// runs a vCPU, and waits for it. So the tracker does not suit large guests; estimate() and stall()
// tell how expensive a scan is, best after the first one.
//
// A process has only one set of these bits. Another program that uses them for the same guest, such
// as CRIU, misses writes from the first scan on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

class SoftDirtyTracker : public HeatTracker {
  public:
    // Most pieces of a guest that levels are measured for: pieces are 2 MiB for guests of up to
    // 512 GiB.
    static constexpr std::uint64_t max_pieces = 256 * 1024;
    // Most pages that one call of finish() reads: 64 GiB of small pages, which takes 0.5 s.
    static constexpr std::uint64_t max_pages_per_call = 16 * 1024 * 1024;
    // The cost of the last scan is remembered for this many guests.
    static constexpr std::size_t max_guests = 1024;

    const char* name() const override { return "soft-dirty"; }
    Ability ability(const GuestSample& guest) const override;
    std::string side_effect() const override {
        return "removes KVM's mappings of the guest's memory";
    }
    std::string unsupported_reason(const GuestSample& guest) const override;
    std::chrono::microseconds estimate(const GuestSample& guest) const override;
    std::chrono::microseconds stall(const GuestSample& guest) const override;
    std::unique_ptr<PendingScan> begin(const GuestSample& guest,
                                       std::chrono::milliseconds duration) override;

  private:
    class Scan;

    struct Cost {
        pid_t pid = -1;  // the process that was scanned
        std::chrono::microseconds cpu_time{0}, stall{0};
        std::int64_t pages = 0;  // small pages the guest had
    };
    const Cost* last_cost(const GuestSample& guest) const;

    std::map<std::string, Cost> costs_;  // of the last scan, by uuid
};

// Returns null and sets `error` if the kernel keeps no soft-dirty bits. Whether the files of a
// guest can be used is for unsupported_reason() to tell.
std::unique_ptr<HeatTracker> probe_soft_dirty(std::string& error);

}  // namespace vnuma
