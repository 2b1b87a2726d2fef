#include "src/cpu_use.hpp"

#include <algorithm>

namespace vnuma {

Threads threads_of(const Sample& sample) {
    Threads threads;
    for (const GuestSample& guest : sample.guests)
        for (const CellSample& cell : guest.cells)
            for (const VcpuSample& vcpu : cell.vcpus)
                threads[vcpu.thread] = &vcpu;
    return threads;
}

std::optional<std::vector<MilliCpu>> cpu_use(const CellSample& cell, const Threads& before,
                                             Millis elapsed) {
    std::vector<MilliCpu> use;
    for (const VcpuSample& vcpu : cell.vcpus) {
        const auto known = before.find(vcpu.thread);
        if (known == before.end() || known->second->start_time != vcpu.start_time || elapsed <= 0)
            return std::nullopt;
        const std::uint64_t used_ns =
            vcpu.run_ns - known->second->run_ns + vcpu.wait_ns - known->second->wait_ns;
        use.push_back(static_cast<MilliCpu>(used_ns / 1000) / elapsed);
    }
    return use;
}

std::vector<MilliCpu> other_use(const Look& previous, const Threads& before, const Look& current,
                                const Host& host, Millis elapsed) {
    std::vector<MilliCpu> use(host.topology.nodes.size());
    if (elapsed <= 0) return use;
    for (std::size_t n = 0; n < use.size(); ++n)
        use[n] = (current.host.busy[n] - previous.host.busy[n]).count() * 1000 / elapsed;
    for (const auto& [thread, vcpu] : threads_of(current.sample)) {
        const auto known = before.find(thread);
        const auto node = host.node_of_cpu(vcpu->last_cpu);
        if (known == before.end() || known->second->start_time != vcpu->start_time || !node)
            continue;
        use[*node] -=
            static_cast<MilliCpu>((vcpu->run_ns - known->second->run_ns) / 1000) / elapsed;
    }
    // A vCPU that changed nodes used a part elsewhere: what is taken off too much here, others
    // there have not used.
    MilliCpu all = 0, positive = 0;
    for (MilliCpu& one : use) {
        all += one;
        one = std::max<MilliCpu>(one, 0);
        positive += one;
    }
    for (MilliCpu& one : use)
        one = positive == 0 ? 0 : one * std::max<MilliCpu>(all, 0) / positive;
    return use;
}

}  // namespace vnuma
