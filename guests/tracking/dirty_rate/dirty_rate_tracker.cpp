#include "guests/tracking/dirty_rate/dirty_rate_tracker.hpp"

#include <algorithm>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/chunk_residency.hpp"

namespace vnuma {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using State = WriteMeasurement::State;

constexpr const char* by_ring = "dirty-ring";
constexpr std::int64_t gib = std::int64_t{1} << 30;
constexpr std::int64_t pages_in_mib = 256;
// QEMU's default is 512 of each GiB, and each is looked at twice.
constexpr std::int64_t sums_of_gib = 1024;
// Guesses: the checksum of a page that is in no cache; a page that KVM protects again, a fault of
// the vCPU, and an entry of the ring.
constexpr nanoseconds time_of_sum{2000}, time_of_write{3000};

// More than any memory takes: what QEMU says is not trusted.
constexpr std::uint64_t max_mib_per_s = 1 << 20;

std::int64_t bytes_of(const GuestSample& guest) {
    std::int64_t bytes = 0;
    for (const CellSample& cell : guest.cells)
        bytes += cell.size;
    return bytes;
}

// QEMU without libvirt says so in its answer only.
bool has_ring(const GuestSample& guest) {
    return guest.domain && guest.domain->dirty_ring;
}

microseconds cost_of_sampling(const GuestSample& guest) {
    const std::int64_t sums = (bytes_of(guest) + gib - 1) / gib * sums_of_gib;
    return std::chrono::duration_cast<microseconds>(sums * time_of_sum);
}

microseconds cost_of_ring(std::int64_t mib) {
    return std::chrono::duration_cast<microseconds>(mib * pages_in_mib * time_of_write);
}

// QEMU measures whole seconds.
seconds whole_seconds(std::chrono::milliseconds duration) {
    return std::clamp(std::chrono::ceil<seconds>(duration), min_write_measurement,
                      max_write_measurement);
}

}  // namespace

// QEMU's measurement cannot be stopped; it ends by itself, and leaves nothing behind.
class DirtyRateTracker::Scan : public PendingScan {
  public:
    Scan(DirtyRateTracker& tracker, const GuestSample& guest,
         std::chrono::steady_clock::time_point end)
        : tracker_(tracker), uuid_(guest.uuid), sampling_(cost_of_sampling(guest)), end_(end) {}

    std::optional<HeatScan> finish() override {
        const WriteMeasurement measured = read();
        if (measured.state == State::running) {
            if (tracker_.now_() < end_ + max_delay) return std::nullopt;
            throw TrackingError("QEMU does not come to the end of its measurement");
        }
        // It begins in a thread of its own, and a moment passes before QEMU says so.
        if (measured.state == State::none && tracker_.now_() < end_) return std::nullopt;
        if (measured.state == State::none) throw TrackingError("QEMU has measured nothing");
        if (!measured.mib_per_s) throw TrackingError("QEMU could not tell how much it writes");
        HeatScan scan;
        scan.writes = WriteRate{*measured.mib_per_s, measured.by_vcpu};
        const auto written =
            static_cast<std::int64_t>(std::min(*measured.mib_per_s, max_mib_per_s)) *
            std::clamp(measured.duration, seconds(0), max_write_measurement).count();
        scan.cost = measured.mode == by_ring ? cost_of_ring(written) : sampling_;
        if (tracker_.spent_.size() >= max_guests) tracker_.spent_.clear();
        tracker_.spent_[uuid_] = scan.cost;
        tracker_.measuring_until_.erase(uuid_);
        return scan;
    }

  private:
    WriteMeasurement read() {
        try {
            return tracker_.source_.read_write_measurement(uuid_);
        } catch (const MonitorError& error) {
            throw TrackingError(error.what());
        }
    }

    DirtyRateTracker& tracker_;
    const std::string uuid_;
    const microseconds sampling_;
    const std::chrono::steady_clock::time_point end_;
};

DirtyRateTracker::DirtyRateTracker(GuestSource& source, Now now)
    : source_(source), now_(std::move(now)) {}

Ability DirtyRateTracker::ability(const GuestSample& guest) const {
    const bool ring = has_ring(guest);
    return {false, true, true,
            false, ring, ring ? "a fault for each page written" : "checksums of some pages"};
}

std::string DirtyRateTracker::unsupported_reason(const GuestSample& guest) const {
    const bool runs = std::any_of(guest.cells.begin(), guest.cells.end(),
                                  [](const CellSample& cell) { return !cell.vcpus.empty(); });
    // QEMU 7.2 dies when it is asked to measure a machine that has none.
    return runs ? "" : "it has no vCPUs that are known";
}

microseconds DirtyRateTracker::estimate(const GuestSample& guest) const {
    const auto known = spent_.find(guest.uuid);
    if (known != spent_.end()) return known->second;
    // A ring that was never used is taken for one that all of the memory goes through once.
    return has_ring(guest) ? cost_of_ring(bytes_of(guest) >> 20) : cost_of_sampling(guest);
}

std::unique_ptr<PendingScan> DirtyRateTracker::begin(const GuestSample& guest,
                                                     std::chrono::milliseconds duration) {
    const std::string trouble = unsupported_reason(guest);
    if (!trouble.empty()) throw TrackingError(trouble);
    const auto now = now_();
    std::erase_if(measuring_until_, [&](const auto& entry) { return entry.second <= now; });
    if (measuring_until_.contains(guest.uuid)) return nullptr;
    const seconds time = whole_seconds(duration);
    try {
        if (!source_.start_write_measurement(guest.uuid, time))
            throw TrackingError("somebody else has QEMU measure how fast it writes its memory");
    } catch (const MonitorError& error) {
        throw TrackingError(error.what());
    }
    measuring_until_[guest.uuid] = now + time;
    return std::make_unique<Scan>(*this, guest, now + time);
}

std::unique_ptr<HeatTracker> probe_dirty_rate(GuestSource& source, std::string& why_not) {
    why_not.clear();
    return std::make_unique<DirtyRateTracker>(source);
}

}  // namespace vnuma
