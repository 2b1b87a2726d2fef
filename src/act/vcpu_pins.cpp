#include "src/act/vcpu_pins.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <system_error>

namespace vnuma {
namespace {

std::vector<int> intersect(const std::vector<int>& a, const std::vector<int>& b) {
    std::vector<int> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

std::string describe_failure(const VcpuSample& vcpu, int error) {
    return "sched_setaffinity of vCPU " + std::to_string(vcpu.id) + ": " +
           std::generic_category().message(error);
}

}  // namespace

std::string VcpuPins::pin(const Process& process, const CellSample& cell, const Host& host,
                          NodeIndex node) {
    const std::lock_guard lock(mutex_);
    Pins former;
    for (const VcpuSample& vcpu : cell.vcpus)
        if (const Pin* pin = pins_.find(vcpu)) former[identity_of(vcpu)] = *pin;
    for (const VcpuSample& vcpu : cell.vcpus) {
        std::string error = pin_one(process, vcpu, host.cpus[node]);
        if (error.empty()) continue;
        restore(cell, former);
        return error;
    }
    return "";
}

std::string VcpuPins::pin_one(const Process& process, const VcpuSample& vcpu,
                              const std::vector<int>& cpus) {
    const std::vector<int> before = pins_.owners_choice(vcpu);
    const std::vector<int> ours = intersect(before, cpus);
    if (ours.empty()) return "vCPU " + std::to_string(vcpu.id) + " may not use that node";
    if (vcpu.affinity == ours && !pins_.find(vcpu)) return "";  // the owner's pin is the same
    if (!kernel_.is_alive(process)) return "the guest has ended";
    const auto now = kernel_.read_affinity(identity_of(vcpu));
    if (!now) return "";  // the vCPU was unplugged since the sample
    if (*now != vcpu.affinity)
        return "someone has just changed the CPUs of vCPU " + std::to_string(vcpu.id);
    const CallResult result = kernel_.set_affinity(identity_of(vcpu), ours);
    if (result.error == 0)
        pins_.set(identity_of(vcpu), {before, ours});
    else if (result.error != ESRCH)
        return describe_failure(vcpu, result.error);
    return "";
}

// Undoes what this attempt has changed: every vCPU runs where it did before.
void VcpuPins::restore(const CellSample& cell, const Pins& former) {
    for (const VcpuSample& vcpu : cell.vcpus) {
        const ThreadIdentity thread = identity_of(vcpu);
        const Pin* now = pins_.find(vcpu);
        const auto then = former.find(thread);
        if (!now || (then != former.end() && then->second.ours == now->ours)) continue;
        const std::vector<int>& before = then == former.end() ? now->before : then->second.ours;
        if (put_back(thread, {before, now->ours}) != 0) continue;
        if (then == former.end())
            pins_.erase(thread);
        else
            pins_.set(thread, then->second);
    }
}

int VcpuPins::put_back(const ThreadIdentity& thread, const Pin& pin) {
    if (kernel_.read_affinity(thread) != pin.ours) return 0;
    const CallResult result = kernel_.set_affinity(thread, pin.before);
    return result.error == ESRCH ? 0 : result.error;
}

std::string VcpuPins::release(const CellSample& cell) {
    const std::lock_guard lock(mutex_);
    std::string failure;
    for (const VcpuSample& vcpu : cell.vcpus) {
        const Pin* pin = pins_.find(vcpu);
        if (!pin) continue;
        const int error = put_back(identity_of(vcpu), *pin);
        if (error == 0)
            pins_.erase(identity_of(vcpu));
        else
            failure = describe_failure(vcpu, error);
    }
    return failure;
}

void VcpuPins::forget_ended(const Sample& sample) {
    const std::lock_guard lock(mutex_);
    std::set<ThreadIdentity> seen;
    for (const GuestSample& guest : sample.guests)
        for (const CellSample& cell : guest.cells)
            for (const VcpuSample& vcpu : cell.vcpus)
                seen.insert(identity_of(vcpu));
    std::vector<ThreadIdentity> ended;
    for (const auto& [thread, pin] : pins_.all())
        if (!seen.contains(thread) && !kernel_.read_affinity(thread)) ended.push_back(thread);
    for (const ThreadIdentity& thread : ended)
        pins_.erase(thread);
}

bool VcpuPins::undo() {
    const std::unique_lock lock(mutex_, undo_patience);
    if (!lock) return false;
    for (const auto& [thread, pin] : pins_.all())
        put_back(thread, pin);
    pins_ = {};
    return true;
}

}  // namespace vnuma
