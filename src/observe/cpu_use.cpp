#include "src/observe/cpu_use.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace vnuma {
namespace {

// The vCPUs of all guests, by thread.
using Threads = std::unordered_map<pid_t, const VcpuSample*>;

Threads threads_of(const Sample& sample) {
    Threads threads;
    for (const GuestSample& guest : sample.guests)
        for (const CellSample& cell : guest.cells)
            for (const VcpuSample& vcpu : cell.vcpus)
                threads[vcpu.thread] = &vcpu;
    return threads;
}

const VcpuSample* find_same(const Threads& before, const VcpuSample& vcpu) {
    const auto known = before.find(vcpu.thread);
    const bool same = known != before.end() && known->second->start_time == vcpu.start_time;
    return same ? known->second : nullptr;
}

constexpr std::int64_t micro = 1000;  // millionths of a CPU in a thousandth

std::map<std::string, const GuestSample*> guests_by_uuid(const Sample& sample) {
    std::map<std::string, const GuestSample*> guests;
    for (const GuestSample& guest : sample.guests)
        guests[guest.uuid] = &guest;
    return guests;
}

// Run time of the guest's vCPUs since the previous look, without vCPUs that are new.
std::uint64_t ran_since(const Threads& before, const GuestSample& guest) {
    std::uint64_t ran = 0;
    for (const CellSample& cell : guest.cells)
        for (const VcpuSample& vcpu : cell.vcpus)
            if (const VcpuSample* known = find_same(before, vcpu))
                ran += vcpu.run_ns - known->run_ns;
    return ran;
}

// The share of its vCPUs' run time, in thousandths, that the guest itself used: rounds of induced
// faults took the rest.
std::int64_t own_permille(const GuestSample* then, const GuestSample& now, const Threads& before) {
    if (!then) return 1000;
    const std::int64_t rounds =
        (now.tracking.attribution.held_up - then->tracking.attribution.held_up).count();
    const auto ran = static_cast<std::int64_t>(ran_since(before, now));
    if (rounds <= 0 || ran <= 0) return 1000;
    return rounds >= ran ? 0 : 1000 - rounds * 1000 / ran;
}

std::int64_t average(std::int64_t before, std::int64_t now, Millis elapsed,
                     Millis memory = use_memory) {
    return before + (now - before) * elapsed / (elapsed + memory);
}

// Nothing for a vCPU that is new.
std::optional<std::int64_t> use_of(const VcpuSample& vcpu, const Threads& threads_before,
                                   const CpuUse& use_before, std::int64_t own, Millis elapsed) {
    const VcpuSample* known = find_same(threads_before, vcpu);
    if (!known) return std::nullopt;
    const auto ran = static_cast<std::int64_t>(vcpu.run_ns - known->run_ns),
               waited = static_cast<std::int64_t>(vcpu.wait_ns - known->wait_ns);
    const std::int64_t now = (ran / 1000 * own + waited) / elapsed;
    const auto then = use_before.by_vcpu.find(vcpu.thread);
    return then == use_before.by_vcpu.end() ? now : average(then->second, now, elapsed);
}

// Run time since the previous look of all that works for the guest except its vCPUs, without
// processes that are new.
std::uint64_t served_since(const Threads& before, const GuestSample& then, const GuestSample& now) {
    std::uint64_t all = 0;
    for (const ProcessTime& process : now.processes)
        for (const ProcessTime& known : then.processes)
            if (known.process == process.process && known.start_time == process.start_time)
                all += process.run_ns - known.run_ns;
    const std::uint64_t vcpus = ran_since(before, now);
    return all > vcpus ? all - vcpus : 0;
}

// Run time in nanoseconds of what serves the guests, by uuid; without guests that are new.
std::map<std::string, std::uint64_t> serving_times(const Look& previous, const Threads& before,
                                                   const Look& current) {
    const auto then = guests_by_uuid(previous.sample);
    std::map<std::string, std::uint64_t> times;
    for (const GuestSample& guest : current.sample.guests) {
        if (const auto known = then.find(guest.uuid); known != then.end())
            times[guest.uuid] = served_since(before, *known->second, guest);
    }
    return times;
}

// Takes run time away from the nodes on which the threads that serve the guest ran last, by how
// much each of them has run since its start: nothing tells more without reading all their times.
void subtract_service(std::vector<MilliCpu>& use, const GuestSample& guest, std::uint64_t served,
                      const Host& host, Millis elapsed) {
    const auto for_each_server = [&](const auto& visit) {
        for (const auto* threads :
             {&guest.emulator, &guest.iothreads, &guest.vhost, &guest.helpers})
            for (const ThreadSample& thread : *threads)
                if (const auto node = host.node_of_cpu(thread.last_cpu)) visit(thread, *node);
    };
    double all = 0;
    for_each_server(
        [&](const ThreadSample& thread, NodeIndex) { all += static_cast<double>(thread.run_ns); });
    if (all == 0) return;  // the kernel tells no run times
    for_each_server([&](const ThreadSample& thread, NodeIndex node) {
        use[node] -= static_cast<MilliCpu>(static_cast<double>(served) / 1000 *
                                           static_cast<double>(thread.run_ns) / all) /
                     elapsed;
    });
}

// CPU use of others on each node between the two looks, not averaged.
std::vector<MilliCpu> used_by_others(const Look& previous, const Threads& before,
                                     const std::map<std::string, std::uint64_t>& served,
                                     const Look& current, const Host& host, Millis elapsed) {
    std::vector<MilliCpu> use(host.topology.nodes.size());
    for (std::size_t n = 0; n < use.size(); ++n)
        use[n] = (current.host.busy[n] - previous.host.busy[n]).count() * 1000 / elapsed;
    for (const auto& [thread, vcpu] : threads_of(current.sample)) {
        const VcpuSample* known = find_same(before, *vcpu);
        const auto node = host.node_of_cpu(vcpu->last_cpu);
        if (!known || !node) continue;
        use[*node] -= static_cast<MilliCpu>((vcpu->run_ns - known->run_ns) / 1000) / elapsed;
    }
    for (const GuestSample& guest : current.sample.guests)
        if (const auto time = served.find(guest.uuid); time != served.end())
            subtract_service(use, guest, time->second, host, elapsed);
    // All run time of a vCPU is subtracted where it ran last, although it may have run on two
    // nodes. What was subtracted too much on one node was subtracted too little on another, so the
    // sum is kept.
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

// By node; `then` is empty at first.
std::vector<std::int64_t> averages(const std::vector<std::int64_t>& then,
                                   const std::vector<MilliCpu>& now, Millis elapsed,
                                   Millis memory) {
    std::vector<std::int64_t> averages;
    for (std::size_t n = 0; n < now.size(); ++n)
        averages.push_back(n < then.size() ? average(then[n], now[n] * micro, elapsed, memory)
                                           : now[n] * micro);
    return averages;
}

}  // namespace

CpuUse measure_use(const Look* previous, const Look& current, const Host& host) {
    CpuUse use;
    if (!previous) return use;
    const Millis elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
                               current.sample.time - previous->sample.time)
                               .count();
    if (elapsed <= 0) return use;
    const Threads before = threads_of(previous->sample);
    const auto guests_before = guests_by_uuid(previous->sample);
    for (const GuestSample& guest : current.sample.guests) {
        const auto known = guests_before.find(guest.uuid);
        const std::int64_t own =
            own_permille(known == guests_before.end() ? nullptr : known->second, guest, before);
        for (const CellSample& cell : guest.cells)
            for (const VcpuSample& vcpu : cell.vcpus)
                if (const auto used = use_of(vcpu, before, previous->use, own, elapsed))
                    use.by_vcpu[vcpu.thread] = *used;
    }
    const auto served = serving_times(*previous, before, current);
    for (const auto& [uuid, time] : served) {
        const auto now = static_cast<std::int64_t>(time) / elapsed;
        const auto then = previous->use.by_service.find(uuid);
        use.by_service[uuid] =
            then == previous->use.by_service.end() ? now : average(then->second, now, elapsed);
    }
    if (previous->host.cpus != current.host.cpus) {
        // What a node's CPUs have used since boot cannot be compared when they are other CPUs.
        use.by_others = previous->use.by_others;
        use.by_others_lastingly = previous->use.by_others_lastingly;
        use.by_others.resize(host.topology.nodes.size());
        use.by_others_lastingly.resize(host.topology.nodes.size());
        return use;
    }
    const auto now = used_by_others(*previous, before, served, current, host, elapsed);
    use.by_others = averages(previous->use.by_others, now, elapsed, use_memory);
    use.by_others_lastingly =
        averages(previous->use.by_others_lastingly, now, elapsed, lasting_use_memory);
    return use;
}

std::optional<std::vector<MilliCpu>> cpu_use(const GuestSample& guest, const CellSample& cell,
                                             const CpuUse& use) {
    std::int64_t vcpus = 0;
    for (const CellSample& one : guest.cells)
        vcpus += static_cast<std::int64_t>(one.vcpus.size());
    const auto service = use.by_service.find(guest.uuid);
    const std::int64_t part =
        service == use.by_service.end() || vcpus == 0 ? 0 : service->second / vcpus;
    std::vector<MilliCpu> of_vcpus;
    for (const VcpuSample& vcpu : cell.vcpus) {
        const auto known = use.by_vcpu.find(vcpu.thread);
        if (known == use.by_vcpu.end()) return std::nullopt;
        of_vcpus.push_back((known->second + part) / micro);
    }
    return of_vcpus;
}

MilliCpu other_use(NodeIndex node, const CpuUse& use) {
    if (use.by_others.empty()) return 0;
    return std::min(use.by_others.at(node), use.by_others_lastingly.at(node)) / micro;
}

}  // namespace vnuma
