#include "guests/discovery/qemu_monitor.hpp"

#include <algorithm>

#include "guests/discovery/guest_source.hpp"
#include "qmp/statistics.hpp"

namespace vnuma {
namespace {
// A guest has a backend for each cell and each memory device; libvirt allows no more devices.
constexpr std::size_t max_backends = 1024;

std::optional<NumaTune> wish_of(const qmp::MemoryBackend& backend) {
    if (backend.policy == "default") return std::nullopt;
    return NumaTune{backend.policy == "bind" ? "strict" : backend.policy, backend.host_nodes};
}

void start(Monitor& monitor, bool ring, std::chrono::seconds duration) {
    monitor.ask(qmp::calc_dirty_rate(
        ring ? qmp::DirtyRateMode::dirty_ring : qmp::DirtyRateMode::page_sampling, duration));
}

}  // namespace

bool start_write_measurement(Monitor& monitor, std::chrono::seconds duration,
                             std::optional<bool>& ring) {
    // Asked first, so that a refusal is not taken for a guest without a ring.
    if (monitor.ask(qmp::query_dirty_rate()).status == "measuring") return false;
    // To be asked for a ring without KVM kills QEMU 7.2.
    if (!ring && !monitor.ask(qmp::query_kvm())) ring = false;
    if (ring.value_or(true)) {
        try {
            start(monitor, true, duration);
            ring = true;
            return true;
        } catch (const MonitorRefusal&) {
            if (ring) throw;
        }
    }
    start(monitor, false, duration);
    ring = false;
    return true;
}

WriteMeasurement read_write_measurement(Monitor& monitor) {
    using State = WriteMeasurement::State;
    const qmp::DirtyRate rate = monitor.ask(qmp::query_dirty_rate());
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

RamView ask_ram_view(Monitor& monitor) {
    RamView view;
    std::map<std::string, qmp::MemoryBackend> backends;
    for (qmp::MemoryBackend& backend : monitor.ask(qmp::query_memdev()))
        if (backends.size() < max_backends) backends.emplace(backend.id, std::move(backend));
    for (const qmp::MemoryDevice& device : monitor.ask(qmp::query_memory_devices()))
        view.devices[device.id.empty() ? device.memdev : device.id] = device.memdev;
    for (const qmp::GuestRange& range : monitor.ask(qmp::info_mtree_flat())) {
        const auto backend = backends.find(range.region);
        if (backend == backends.end()) continue;  // ROMs and the memory of devices
        view.pieces.push_back({range.start, range.size, range.offset, range.region});
        if (view.backends.contains(range.region)) continue;
        const qmp::HostAddress at = monitor.ask(qmp::gpa2hva(range.start));
        if (at.region != range.region)
            throw MonitorError("its monitor contradicts itself about " + range.region);
        view.backends[range.region] = {at.address - range.offset, backend->second.size,
                                       wish_of(backend->second)};
    }
    return view;
}

}  // namespace vnuma
