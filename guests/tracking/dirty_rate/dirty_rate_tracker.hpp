// Measures how fast a guest writes its memory, with QEMU's calc-dirty-rate, through libvirt or
// QEMU's monitor. Which memory is written is not measured. Guests with a dirty ring have a rate per
// vCPU. No capability is needed.
//
// Without a dirty ring QEMU compares checksums of sampled pages: a page that is rewritten with the
// same content does not count, and any page counts once. With a dirty ring each written page costs
// a page fault or an entry in the processor's log, and again after each time QEMU has emptied the
// ring.
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

    // A measurement that runs this much longer than requested has failed.
    static constexpr std::chrono::seconds max_delay{30};
    // The cost of the last scan is remembered for this many guests.
    static constexpr std::size_t max_guests = 1024;

    // The source outlives the tracker and is used by the same thread.
    explicit DirtyRateTracker(GuestSource& source, Now now = std::chrono::steady_clock::now);

    const char* name() const override { return "dirty-rate"; }
    Ability ability(const GuestSample& guest) const override;
    std::string side_effect() const override {
        return "makes QEMU write-protect the guest's memory";
    }
    std::string unsupported_reason(const GuestSample& guest) const override;
    std::chrono::microseconds estimate(const GuestSample& guest) const override;
    std::unique_ptr<PendingScan> begin(const GuestSample& guest,
                                       std::chrono::milliseconds duration) override;

  private:
    class Scan;

    GuestSource& source_;
    Now now_;
    // The end of each guest's measurement, by uuid. QEMU goes on measuring after a scan was
    // abandoned.
    std::map<std::string, std::chrono::steady_clock::time_point> measuring_until_;
    std::map<std::string, std::chrono::microseconds> cost_;  // of the last scan, by uuid
};

// Always returns a tracker. Whether QEMU and libvirt support the measurement shows at the first
// scan of a guest.
std::unique_ptr<HeatTracker> probe_dirty_rate(GuestSource& source, std::string& error);

}  // namespace vnuma
