#include "src/observe/known_pins.hpp"

#include <algorithm>
#include <iterator>

namespace vnuma {

const Pin* KnownPins::find(const ThreadSample& thread) const {
    const auto known = pins_.find(identity_of(thread));
    return known == pins_.end() ? nullptr : &known->second;
}

const std::vector<int>& KnownPins::owners_choice(const VcpuSample& vcpu) const {
    const Pin* pin = find(vcpu);
    return pin ? pin->before : vcpu.affinity;
}

bool KnownPins::changed_by_someone_else(const VcpuSample& vcpu,
                                        const std::vector<int>& online) const {
    const Pin* pin = find(vcpu);
    if (!pin) return false;
    const auto still = [&](const std::vector<int>& cpus) {
        std::vector<int> left;
        std::set_intersection(cpus.begin(), cpus.end(), online.begin(), online.end(),
                              std::back_inserter(left));
        if (left.empty()) left = vcpu.cpuset.empty() ? online : vcpu.cpuset;
        return vcpu.affinity == cpus || vcpu.affinity == left;
    };
    return !still(pin->ours) && !still(pin->before);
}

std::set<pid_t> KnownPins::in_force(const Sample& sample) const {
    std::set<pid_t> threads;
    for (const GuestSample& guest : sample.guests)
        for (const CellSample& cell : guest.cells)
            for (const VcpuSample& vcpu : cell.vcpus) {
                const Pin* pin = find(vcpu);
                if (pin && pin->ours == vcpu.affinity) threads.insert(vcpu.thread);
            }
    return threads;
}

bool KnownPins::holds(const CellSample& cell) const {
    return std::any_of(cell.vcpus.begin(), cell.vcpus.end(),
                       [&](const VcpuSample& vcpu) { return find(vcpu) != nullptr; });
}

}  // namespace vnuma
