#include "src/pins.hpp"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <system_error>

#include "guests/proc.hpp"

namespace vnuma {
namespace {

using CpuSet = std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)>;

constexpr int max_cpus = 8192;  // the kernel's own limit

CpuSet make_set(const std::vector<int>& cpus) {
    CpuSet set(CPU_ALLOC(max_cpus), [](cpu_set_t* s) { CPU_FREE(s); });
    CPU_ZERO_S(CPU_ALLOC_SIZE(max_cpus), set.get());
    for (const int cpu : cpus)
        CPU_SET_S(cpu, CPU_ALLOC_SIZE(max_cpus), set.get());
    return set;
}

int set_affinity(pid_t task, const std::vector<int>& cpus) {
    return ::sched_setaffinity(task, CPU_ALLOC_SIZE(max_cpus), make_set(cpus).get());
}

std::vector<int> intersect(const std::vector<int>& a, const std::vector<int>& b) {
    std::vector<int> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

// A thread, unlike a process, has no pidfd on most kernels; its start time tells it apart.
bool lives(pid_t task, std::uint64_t start_time) {
    const auto text = read_small_file(AT_FDCWD, "/proc/" + std::to_string(task) + "/stat");
    const auto stat = text ? parse_stat(*text) : std::nullopt;
    return stat && stat->start_time == start_time;
}

std::vector<int> read_affinity(pid_t task) {
    const auto status = read_small_file(AT_FDCWD, "/proc/" + std::to_string(task) + "/status");
    const auto text = status ? find_status_field(*status, "Cpus_allowed_list") : std::nullopt;
    return text ? parse_number_list(*text).value_or(std::vector<int>{}) : std::vector<int>{};
}

}  // namespace

const Pins::Pin* Pins::find(const VcpuSample& vcpu) const {
    const auto known = pins_.find({vcpu.thread, vcpu.start_time});
    return known == pins_.end() ? nullptr : &known->second;
}

const std::vector<int>& Pins::owners_choice(const VcpuSample& vcpu) const {
    const Pin* pin = find(vcpu);
    return pin ? pin->before : vcpu.affinity;
}

bool Pins::changed_by_someone_else(const VcpuSample& vcpu) const {
    const Pin* pin = find(vcpu);
    return pin && vcpu.affinity != pin->ours && vcpu.affinity != pin->before;
}

std::string Pins::apply_pin(const Process& process, const CellSample& cell, const Host& host,
                            NodeIndex node) {
    std::map<Thread, Pin> former;
    for (const VcpuSample& vcpu : cell.vcpus)
        if (const Pin* pin = find(vcpu)) former[{vcpu.thread, vcpu.start_time}] = *pin;
    for (const VcpuSample& vcpu : cell.vcpus) {
        std::string error = pin_one(process, vcpu, host.cpus[node]);
        if (error.empty()) continue;
        take_back(cell, former);
        return error;
    }
    return "";
}

std::string Pins::pin_one(const Process& process, const VcpuSample& vcpu,
                          const std::vector<int>& cpus) {
    const std::vector<int> before = owners_choice(vcpu);
    const std::vector<int> ours = intersect(before, cpus);
    if (ours.empty()) return "vCPU " + std::to_string(vcpu.id) + " may not use that node";
    if (vcpu.affinity == ours && !find(vcpu)) return "";  // its owner wants the same
    if (!process.alive()) return "the guest has ended";
    if (!lives(vcpu.thread, vcpu.start_time)) return "";  // unplugged since the sample
    if (read_affinity(vcpu.thread) != vcpu.affinity)
        return "someone has just changed the CPUs of vCPU " + std::to_string(vcpu.id);
    if (set_affinity(vcpu.thread, ours) == 0)
        pins_[{vcpu.thread, vcpu.start_time}] = {before, ours};
    else if (errno != ESRCH)
        return "sched_setaffinity of vCPU " + std::to_string(vcpu.id) + ": " +
               std::generic_category().message(errno);
    return "";
}

// Each vCPU of the cell that has another pin now than before runs where it did then.
void Pins::take_back(const CellSample& cell, const std::map<Thread, Pin>& former) {
    for (const VcpuSample& vcpu : cell.vcpus) {
        const Thread thread{vcpu.thread, vcpu.start_time};
        const auto now = pins_.find(thread);
        const auto then = former.find(thread);
        if (now == pins_.end() || (then != former.end() && then->second.ours == now->second.ours))
            continue;
        const auto& was = then == former.end() ? now->second.before : then->second.ours;
        if (!put_back(thread, {was, now->second.ours})) continue;
        if (then == former.end())
            pins_.erase(now);
        else
            now->second = then->second;
    }
}

std::set<pid_t> Pins::in_force(const Sample& sample) const {
    std::set<pid_t> threads;
    for (const GuestSample& guest : sample.guests)
        for (const CellSample& cell : guest.cells)
            for (const VcpuSample& vcpu : cell.vcpus) {
                const Pin* pin = find(vcpu);
                if (pin && pin->ours == vcpu.affinity) threads.insert(vcpu.thread);
            }
    return threads;
}

void Pins::forget_ended(const Sample& sample) {
    std::set<Thread> seen;
    for (const GuestSample& guest : sample.guests)
        for (const CellSample& cell : guest.cells)
            for (const VcpuSample& vcpu : cell.vcpus)
                seen.insert({vcpu.thread, vcpu.start_time});
    std::erase_if(pins_, [&](const auto& entry) {
        return !seen.contains(entry.first) && !lives(entry.first.id, entry.first.start_time);
    });
}

bool Pins::put_back(const Thread& thread, const Pin& pin) {
    if (!lives(thread.id, thread.start_time) || read_affinity(thread.id) != pin.ours) return true;
    return set_affinity(thread.id, pin.before) == 0 || errno == ESRCH;
}

bool Pins::holds(const CellSample& cell) const {
    return std::any_of(cell.vcpus.begin(), cell.vcpus.end(),
                       [&](const VcpuSample& vcpu) { return find(vcpu) != nullptr; });
}

std::string Pins::release(const CellSample& cell) {
    std::string error;
    for (const VcpuSample& vcpu : cell.vcpus) {
        const auto known = pins_.find({vcpu.thread, vcpu.start_time});
        if (known == pins_.end()) continue;
        if (put_back(known->first, known->second))
            pins_.erase(known);
        else
            error = "sched_setaffinity of vCPU " + std::to_string(vcpu.id) + ": " +
                    std::generic_category().message(errno);
    }
    return error;
}

void Pins::undo() {
    for (const auto& [thread, pin] : pins_)
        put_back(thread, pin);
    pins_.clear();
}

}  // namespace vnuma
