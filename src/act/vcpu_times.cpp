#include "src/act/vcpu_times.hpp"

namespace vnuma {
namespace {

// Adds up what `read` returns for each vCPU: its times, or nothing if it has ended.
template <typename Read>
std::optional<LatencyGuard::Reading> add_up(const GuestSample& guest, LatencyGuard::Time time,
                                            Read read) {
    LatencyGuard::Reading sum{time};
    std::size_t watched = 0;
    for (const CellSample& cell : guest.cells)
        for (const VcpuSample& vcpu : cell.vcpus) {
            if (++watched > max_watched_vcpus) return sum;
            const std::optional<SchedStat> times = read(vcpu);
            if (!times) return std::nullopt;
            sum.run += std::chrono::nanoseconds(times->run_ns);
            sum.wait += std::chrono::nanoseconds(times->wait_ns);
        }
    return sum;
}

}  // namespace

LatencyGuard::Reading sum_times(const GuestSample& guest, LatencyGuard::Time time) {
    const auto known = [](const VcpuSample& vcpu) {
        return std::optional(SchedStat{vcpu.run_ns, vcpu.wait_ns});
    };
    return add_up(guest, time, known).value();
}

std::optional<LatencyGuard::Reading> read_times(Kernel& kernel, const GuestSample& guest,
                                                LatencyGuard::Time time) {
    LatencyGuard::Duration stalled{0};
    PerMille usually_stalled = 0;
    auto reading = add_up(guest, time, [&](const VcpuSample& vcpu) {
        if (const auto stalls = kernel.read_stalls(*guest.process, vcpu.thread)) {
            stalled += stalls->total;
            usually_stalled += stalls->last_minute;
        }
        return kernel.read_times(*guest.process, vcpu.thread);
    });
    if (!reading) return std::nullopt;
    reading->stalled = stalled;
    reading->usually_stalled = usually_stalled;
    return reading;
}

}  // namespace vnuma
