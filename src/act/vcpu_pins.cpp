#include "src/act/vcpu_pins.hpp"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <system_error>

#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"

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

std::string VcpuPins::apply_pin(const Process& process, const CellSample& cell, const Host& host,
                                NodeIndex node) {
    std::map<ThreadIdentity, Pin> former;
    for (const VcpuSample& vcpu : cell.vcpus)
        if (const Pin* pin = pins_.find(vcpu)) former[identity_of(vcpu)] = *pin;
    for (const VcpuSample& vcpu : cell.vcpus) {
        std::string error = pin_one(process, vcpu, host.cpus[node]);
        if (error.empty()) continue;
        take_back(cell, former);
        return error;
    }
    return "";
}

std::string VcpuPins::pin_one(const Process& process, const VcpuSample& vcpu,
                              const std::vector<int>& cpus) {
    const std::vector<int> before = pins_.owners_choice(vcpu);
    const std::vector<int> ours = intersect(before, cpus);
    if (ours.empty()) return "vCPU " + std::to_string(vcpu.id) + " may not use that node";
    if (vcpu.affinity == ours && !pins_.find(vcpu)) return "";  // its owner wants the same
    if (!process.alive()) return "the guest has ended";
    if (!lives(vcpu.thread, vcpu.start_time)) return "";  // unplugged since the sample
    if (read_affinity(vcpu.thread) != vcpu.affinity)
        return "someone has just changed the CPUs of vCPU " + std::to_string(vcpu.id);
    if (set_affinity(vcpu.thread, ours) == 0)
        pins_.set(identity_of(vcpu), {before, ours});
    else if (errno != ESRCH)
        return "sched_setaffinity of vCPU " + std::to_string(vcpu.id) + ": " +
               std::generic_category().message(errno);
    return "";
}

// Each vCPU of the cell that has another pin now than before runs where it did then.
void VcpuPins::take_back(const CellSample& cell, const std::map<ThreadIdentity, Pin>& former) {
    for (const VcpuSample& vcpu : cell.vcpus) {
        const ThreadIdentity thread = identity_of(vcpu);
        const Pin* now = pins_.find(vcpu);
        const auto then = former.find(thread);
        if (!now || (then != former.end() && then->second.ours == now->ours)) continue;
        const auto& was = then == former.end() ? now->before : then->second.ours;
        if (!put_back(thread, {was, now->ours})) continue;
        if (then == former.end())
            pins_.erase(thread);
        else
            pins_.set(thread, then->second);
    }
}

void VcpuPins::forget_ended(const Sample& sample) {
    std::set<ThreadIdentity> seen;
    for (const GuestSample& guest : sample.guests)
        for (const CellSample& cell : guest.cells)
            for (const VcpuSample& vcpu : cell.vcpus)
                seen.insert(identity_of(vcpu));
    std::vector<ThreadIdentity> ended;
    for (const auto& [thread, pin] : pins_.all())
        if (!seen.contains(thread) && !lives(thread.id, thread.start_time)) ended.push_back(thread);
    for (const ThreadIdentity& thread : ended)
        pins_.erase(thread);
}

bool VcpuPins::put_back(const ThreadIdentity& thread, const Pin& pin) {
    if (!lives(thread.id, thread.start_time) || read_affinity(thread.id) != pin.ours) return true;
    return set_affinity(thread.id, pin.before) == 0 || errno == ESRCH;
}

std::string VcpuPins::release(const CellSample& cell) {
    std::string error;
    for (const VcpuSample& vcpu : cell.vcpus) {
        const Pin* pin = pins_.find(vcpu);
        if (!pin) continue;
        if (put_back(identity_of(vcpu), *pin))
            pins_.erase(identity_of(vcpu));
        else
            error = "sched_setaffinity of vCPU " + std::to_string(vcpu.id) + ": " +
                    std::generic_category().message(errno);
    }
    return error;
}

void VcpuPins::undo() {
    for (const auto& [thread, pin] : pins_.all())
        put_back(thread, pin);
    pins_ = {};
}

}  // namespace vnuma
