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

constexpr const char* dirty_ring_mode = "dirty-ring";
constexpr std::int64_t gib = std::int64_t{1} << 30;
constexpr std::int64_t pages_in_mib = 256;
// QEMU samples 512 pages per GiB by default, each of them twice.
constexpr std::int64_t checksums_per_gib = 1024;
// The expected time of a checksum of a page that is in no cache.
constexpr nanoseconds time_of_checksum{2000};
// The expected time that a dirty ring adds to a written page: KVM write-protects the page, the vCPU
// faults, and the ring gets an entry.
constexpr nanoseconds time_of_written_page{3000};

// Faster than any memory. Limits the cost that a wrong answer of QEMU leads to.
constexpr std::uint64_t max_mib_per_s = 1 << 20;

std::int64_t bytes_of(const GuestSample& guest) {
    std::int64_t bytes = 0;
    for (const CellSample& cell : guest.cells)
        bytes += cell.size;
    return bytes;
}

// Without a libvirt domain, QEMU's answer is the first to tell whether the guest has a dirty ring.
bool has_ring(const GuestSample& guest) {
    return guest.domain && guest.domain->dirty_ring;
}

microseconds cost_of_sampling(const GuestSample& guest) {
    const std::int64_t checksums = (bytes_of(guest) + gib - 1) / gib * checksums_per_gib;
    return std::chrono::duration_cast<microseconds>(checksums * time_of_checksum);
}

microseconds cost_of_ring(std::int64_t mib) {
    return std::chrono::duration_cast<microseconds>(mib * pages_in_mib * time_of_written_page);
}

// QEMU measures for a whole number of seconds.
seconds whole_seconds(std::chrono::milliseconds duration) {
    return std::clamp(std::chrono::ceil<seconds>(duration), min_write_measurement,
                      max_write_measurement);
}

}  // namespace

// QEMU's measurement cannot be stopped. It ends by itself and needs no cleaning up.
class DirtyRateTracker::Scan : public PendingScan {
  public:
    Scan(DirtyRateTracker& tracker, const GuestSample& guest,
         std::chrono::steady_clock::time_point end)
        : tracker_(tracker),
          uuid_(guest.uuid),
          sampling_cost_(cost_of_sampling(guest)),
          end_(end) {}

    std::optional<HeatScan> finish() override {
        const WriteMeasurement measured = read();
        if (measured.state == State::running) {
            if (tracker_.now_() < end_ + max_delay) return std::nullopt;
            throw TrackingError("QEMU's measurement has not ended " +
                                std::to_string(max_delay.count()) + " s after its time");
        }
        // QEMU measures in a thread of its own, and reports no measurement until that has begun.
        if (measured.state == State::none && tracker_.now_() < end_) return std::nullopt;
        if (measured.state == State::none)
            throw TrackingError("QEMU has not begun the measurement");
        if (!measured.mib_per_s) throw TrackingError("QEMU's answer holds no dirty rate");
        HeatScan scan;
        scan.writes = WriteRate{*measured.mib_per_s, measured.by_vcpu};
        const auto written =
            static_cast<std::int64_t>(std::min(*measured.mib_per_s, max_mib_per_s)) *
            std::clamp(measured.duration, seconds(0), max_write_measurement).count();
        scan.cost = measured.mode == dirty_ring_mode ? cost_of_ring(written) : sampling_cost_;
        if (tracker_.cost_.size() >= max_guests) tracker_.cost_.clear();
        tracker_.cost_[uuid_] = scan.cost;
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
    const microseconds sampling_cost_;
    const std::chrono::steady_clock::time_point end_;
};

DirtyRateTracker::DirtyRateTracker(GuestSource& source, Now now)
    : source_(source), now_(std::move(now)) {}

Ability DirtyRateTracker::ability(const GuestSample& guest) const {
    Ability ability;
    ability.writes = ability.told_apart = true;
    ability.per_vcpu = has_ring(guest);
    ability.cost =
        ability.per_vcpu ? "a page fault for each written page" : "checksums of sampled pages";
    return ability;
}

std::string DirtyRateTracker::unsupported_reason(const GuestSample& guest) const {
    const bool has_vcpus = std::any_of(guest.cells.begin(), guest.cells.end(),
                                       [](const CellSample& cell) { return !cell.vcpus.empty(); });
    // QEMU 7.2 crashes when it measures a machine without vCPUs.
    return has_vcpus ? "" : "the guest's vCPUs are unknown";
}

microseconds DirtyRateTracker::estimate(const GuestSample& guest) const {
    const auto known = cost_.find(guest.uuid);
    if (known != cost_.end()) return known->second;
    // The rate is unknown before the first scan, and assumed to be all of the memory in one scan.
    return has_ring(guest) ? cost_of_ring(bytes_of(guest) >> 20) : cost_of_sampling(guest);
}

std::unique_ptr<PendingScan> DirtyRateTracker::begin(const GuestSample& guest,
                                                     std::chrono::milliseconds duration) {
    const std::string reason = unsupported_reason(guest);
    if (!reason.empty()) throw TrackingError(reason);
    const auto now = now_();
    std::erase_if(measuring_until_, [&](const auto& entry) { return entry.second <= now; });
    if (measuring_until_.contains(guest.uuid)) return nullptr;
    const seconds time = whole_seconds(duration);
    try {
        if (!source_.start_write_measurement(guest.uuid, time))
            throw TrackingError("QEMU already runs a dirty rate measurement of another program");
    } catch (const MonitorError& error) {
        throw TrackingError(error.what());
    }
    measuring_until_[guest.uuid] = now + time;
    return std::make_unique<Scan>(*this, guest, now + time);
}

std::unique_ptr<HeatTracker> probe_dirty_rate(GuestSource& source, std::string& error) {
    error.clear();
    return std::make_unique<DirtyRateTracker>(source);
}

}  // namespace vnuma
