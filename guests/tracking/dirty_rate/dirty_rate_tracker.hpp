// How fast a guest writes its memory, by QEMU's own measurement (calc-dirty-rate), through libvirt
// or its monitor. Nothing of which memory that is; by vCPU for guests with a dirty ring. Needs no
// right of the kernel.
//
// Without a ring QEMU compares checksums of sampled pages: it does not see a page that is written
// with what it held, and every page at most once. With one it asks KVM for a fault, or a log entry
// of the processor, for each page written, and again each time the ring was emptied meanwhile.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "guests/discovery/guest_source.hpp"
#include "guests/tracking/heat/heat_tracker.hpp"

namespace vnuma {

class DirtyRateTracker : public HeatTracker {
  public:
    using Now = std::function<std::chrono::steady_clock::time_point()>;

    // A measurement that takes this much longer than it was told has failed.
    static constexpr std::chrono::seconds max_delay{30};
    // Guests whose costs are remembered.
    static constexpr std::size_t max_guests = 1024;

    // The source outlives it, and is used by the same thread.
    explicit DirtyRateTracker(GuestSource& source, Now now = std::chrono::steady_clock::now);

    const char* name() const override { return "dirty-rate"; }
    Ability ability(const GuestSample& guest) const override;
    std::string side_effect() const override { return "has QEMU write-protect its memory"; }
    std::string unsupported_reason(const GuestSample& guest) const override;
    std::chrono::microseconds estimate(const GuestSample& guest) const override;
    std::unique_ptr<PendingScan> begin(const GuestSample& guest,
                                       std::chrono::milliseconds duration) override;

  private:
    class Scan;

    GuestSource& source_;
    Now now_;
    // QEMU goes on measuring for a look that was given up.
    std::map<std::string, std::chrono::steady_clock::time_point> measuring_until_;  // by uuid
    std::map<std::string, std::chrono::microseconds> spent_;  // in the last look, by uuid
};

// What QEMU and libvirt lack shows with the first guest only: there is always one.
std::unique_ptr<HeatTracker> probe_dirty_rate(GuestSource& source, std::string& why_not);

}  // namespace vnuma
