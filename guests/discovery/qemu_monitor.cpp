#include "guests/discovery/qemu_monitor.hpp"

#include <algorithm>
#include <string_view>

#include "guests/discovery/guest_source.hpp"
#include "qmp/statistics.hpp"

namespace vnuma {
namespace {

// A guest has one backend for each cell (QEMU's MAX_NODES is 128) and one for each memory device
// (QEMU's ACPI_MAX_RAM_SLOTS is 256).
constexpr std::size_t max_backends = 1024;

// The id of the memory backend that a memory region belongs to. For machine types up to 3.1, and
// those of RHEL 7, QEMU names a backend's region by its path
// (x-use-canonical-path-for-ramblock-id).
std::string backend_of(const std::string& region) {
    constexpr std::string_view path = "/objects/";
    return region.starts_with(path) ? region.substr(path.size()) : region;
}

std::optional<NumaTune> numatune_of(const qmp::MemoryBackend& backend) {
    if (backend.policy == "default") return std::nullopt;
    return NumaTune{backend.policy == "bind" ? "strict" : backend.policy, backend.host_nodes};
}

void start(Monitor& monitor, qmp::DirtyRateMode mode, std::chrono::seconds duration) {
    monitor.run(qmp::calc_dirty_rate(mode, duration));
}

}  // namespace

bool start_write_measurement(Monitor& monitor, std::chrono::seconds duration,
                             std::optional<bool>& dirty_ring) {
    // Checked first: QEMU also refuses to measure by a ring while another measurement runs.
    if (monitor.run(qmp::query_dirty_rate()).status == "measuring") return false;
    // QEMU 7.2 crashes when it is to use a ring without KVM.
    if (!dirty_ring && !monitor.run(qmp::query_kvm())) dirty_ring = false;
    if (dirty_ring.value_or(true)) {
        try {
            start(monitor, qmp::DirtyRateMode::dirty_ring, duration);
            dirty_ring = true;
            return true;
        } catch (const MonitorRefusal&) {
            if (dirty_ring) throw;
        }
    }
    start(monitor, qmp::DirtyRateMode::page_sampling, duration);
    dirty_ring = false;
    return true;
}

WriteMeasurement read_write_measurement(Monitor& monitor) {
    using State = WriteMeasurement::State;
    const qmp::DirtyRate rate = monitor.run(qmp::query_dirty_rate());
    WriteMeasurement measurement;
    measurement.state = rate.status == "measuring"  ? State::running
                        : rate.status == "measured" ? State::done
                                                    : State::none;
    measurement.mode = rate.mode;
    measurement.duration = std::chrono::duration_cast<std::chrono::seconds>(rate.calc_time);
    if (measurement.state != State::done) return measurement;
    measurement.mib_per_s = rate.mib_per_s;
    for (const qmp::DirtyRate::Cpu& cpu : rate.cpus)
        measurement.by_vcpu[cpu.index] = cpu.mib_per_s;
    return measurement;
}

RamView read_ram_view(Monitor& monitor) {
    RamView view;
    std::map<std::string, qmp::MemoryBackend> backends;
    for (qmp::MemoryBackend& backend : monitor.run(qmp::query_memdev()))
        if (backends.size() < max_backends) backends.emplace(backend.id, std::move(backend));
    for (const qmp::MemoryDevice& device : monitor.run(qmp::query_memory_devices()))
        view.devices[device.id.empty() ? device.memdev : device.id] = device.memdev;
    for (const qmp::GuestRange& range : monitor.run(qmp::info_mtree_flat())) {
        const std::string id = backend_of(range.region);
        const auto backend = backends.find(id);
        if (backend == backends.end()) continue;  // a ROM or the memory of a device
        view.pieces.push_back({range.start, range.size, range.offset, id});
        if (view.backends.contains(id)) continue;
        const qmp::HostAddress at = monitor.run(qmp::gpa2hva(range.start));
        if (backend_of(at.region) != id)
            throw UselessAnswer("QEMU's monitor contradicts itself: info mtree finds " +
                                range.region + " where gpa2hva finds " + at.region);
        view.backends[id] = {at.address - range.offset, backend->second.size,
                             numatune_of(backend->second)};
    }
    return view;
}

}  // namespace vnuma
