// The interface of a heat tracker: one way to measure which memory of a guest is used.
//
// A tracker measures in scans. A scan begins, lasts about as long as requested, and is finished.
// What a scan sets up in the kernel or in QEMU is undone when it ends, also when it fails.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "guests/model/sample.hpp"

namespace vnuma {

// A scan failed for the reason in what(), which is written for operators. The guest is unharmed.
struct TrackingError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline constexpr std::uint16_t max_level = 65'535;

// A range of QEMU's address space that was scanned. The level is the share of samples that found
// the range accessed: 0 for none of them, max_level for all.
struct AccessedRange {
    std::uint64_t start = 0, end = 0;
    std::uint16_t level = 0;

    friend bool operator==(const AccessedRange&, const AccessedRange&) = default;
};

// The result of a scan. A tracker whose Ability has per_chunk fills `accessed`, any other tracker
// fills `writes`.
struct HeatScan {
    std::vector<AccessedRange> accessed;  // memory outside these ranges was not scanned
    std::optional<WriteRate> writes;
    // CPU time the scan took from others, such as kernel threads and the guest's vCPUs. The time of
    // the calling thread is not included.
    std::chrono::microseconds cost{0};
    std::string warning;  // what the result lacks and why; empty for a complete result
    int samples = 1;      // of each place; the more there are, the more a level of 0 proves
};

// A scan that runs. Destroying the object ends the scan without a result and undoes what the scan
// has set up; this never throws.
class PendingScan {
  public:
    PendingScan() = default;
    PendingScan(const PendingScan&) = delete;
    PendingScan& operator=(const PendingScan&) = delete;
    virtual ~PendingScan() = default;

    // To be called when the scan's time is over, and again later as long as it returns nothing. It
    // must not be called again after it has returned a result. Blocks for a bounded time. Throws
    // TrackingError if the scan has failed.
    virtual std::optional<HeatScan> finish() = 0;
};

// Used by one thread at a time. A tracker outlives its scans.
class HeatTracker {
  public:
    HeatTracker() = default;
    HeatTracker(const HeatTracker&) = delete;
    HeatTracker& operator=(const HeatTracker&) = delete;
    virtual ~HeatTracker() = default;

    // The tracker's name in the configuration and in the report.
    virtual const char* name() const = 0;
    // What a scan of this guest can measure.
    virtual Ability ability(const GuestSample& guest) const = 0;

    // How a scan disturbs a guest, as the rest of a sentence that begins with the tracker's name;
    // empty if a scan does not. Guests that vnumad may not disturb are not scanned by this tracker.
    virtual std::string side_effect() const { return {}; }

    // Why the tracker cannot scan the guest in its present state; empty if it can.
    virtual std::string unsupported_reason(const GuestSample& guest) const = 0;

    // The CPU time that a scan of the guest is expected to take, including time for which the
    // guest's vCPUs are held up. Earlier scans make the estimate better.
    virtual std::chrono::microseconds estimate(const GuestSample& guest) const = 0;

    // The longest time for which a scan is expected to hold up the guest as a whole.
    virtual std::chrono::microseconds stall(const GuestSample&) const {
        return std::chrono::microseconds(0);
    }

    // Begins a scan. Returns null if another scan has to end first. Throws TrackingError.
    virtual std::unique_ptr<PendingScan> begin(const GuestSample& guest,
                                               std::chrono::milliseconds duration) = 0;
};

}  // namespace vnuma
