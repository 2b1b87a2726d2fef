// One way to find out which memory of a guest is used. A tracker takes looks: each begins, lasts
// about as long as it was told, and is finished. What a look needs of the host is taken back when
// it ends, however it ends.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "guests/model/sample.hpp"

namespace vnuma {

// A look that failed, with the reason for people; the guest is not to blame and not harmed.
struct TrackingError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline constexpr std::uint16_t max_level = 65'535;

// Memory that was looked at, in QEMU's address space, and how much it was accessed: 0 is not at
// all, max_level whenever it was looked at.
struct AccessedRange {
    std::uint64_t start = 0, end = 0;
    std::uint16_t level = 0;

    friend bool operator==(const AccessedRange&, const AccessedRange&) = default;
};

struct HeatScan {
    // By a tracker that tells of chunks. Memory in none of these was not looked at.
    std::vector<AccessedRange> accessed;
    // By one that does not.
    std::optional<WriteRate> writes;
    // CPU time that others used for it, the kernel's threads for example. What the calling thread
    // used is not in it.
    std::chrono::microseconds cost{0};
    std::string trouble;  // what is missing in it, and why; mostly empty
    // So many times was each place looked at: a level of 0 is so much of a proof.
    int samples = 1;
};

// A look that has begun. Ends without a result when it is destroyed; neither throws then nor leaves
// anything behind.
class PendingScan {
  public:
    PendingScan() = default;
    PendingScan(const PendingScan&) = delete;
    PendingScan& operator=(const PendingScan&) = delete;
    virtual ~PendingScan() = default;

    // To be called when the look's time is over, again later if there is no result yet, and not
    // after there was one. Blocks for a bounded time. Throws TrackingError: the look has failed.
    virtual std::optional<HeatScan> finish() = 0;
};

// For one thread at a time. Outlives its looks.
class HeatTracker {
  public:
    HeatTracker() = default;
    HeatTracker(const HeatTracker&) = delete;
    HeatTracker& operator=(const HeatTracker&) = delete;
    virtual ~HeatTracker() = default;

    virtual const char* name() const = 0;  // in configuration and report
    // What it can tell of this guest.
    virtual Ability ability(const GuestSample& guest) const = 0;

    // What a look does to a guest besides looking, for people; empty when it does nothing. Guests
    // that are only observed are spared it.
    virtual std::string side_effect() const { return {}; }

    // Why it can tell nothing of this guest, for as long as the guest is as it is; empty when it
    // can.
    virtual std::string why_not(const GuestSample& guest) const = 0;

    // CPU time that a look at the guest takes, vCPUs that are held up and all, by what looks have
    // taken so far.
    virtual std::chrono::microseconds estimate(const GuestSample& guest) const = 0;

    // How long it stands still at once.
    virtual std::chrono::microseconds stall(const GuestSample&) const {
        return std::chrono::microseconds(0);
    }

    // Nothing when it can have no further look at this time: those that run have to end first.
    // Throws TrackingError.
    virtual std::unique_ptr<PendingScan> begin(const GuestSample& guest,
                                               std::chrono::milliseconds duration) = 0;
};

}  // namespace vnuma
