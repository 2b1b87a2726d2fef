#include "src/observe/known_pins.hpp"

#include <algorithm>
#include <iterator>

#include "policy/model/number_list.hpp"

namespace vnuma {

bool explains(const std::vector<int>& mask, const std::vector<int>& affinity,
              const std::vector<int>& usable) {
    std::vector<int> left;
    std::set_intersection(mask.begin(), mask.end(), usable.begin(), usable.end(),
                          std::back_inserter(left));
    if (left.empty()) left = usable;
    return affinity == mask || affinity == left;
}

bool is_heir(const ThreadIdentity& thread, const ThreadCpus& cpus, const Pin& pin) {
    return thread.start_time >= pin.since && explains(pin.ours, cpus.affinity, cpus.cpuset);
}

std::vector<GuestThread> vcpus_of(const GuestSample& guest, const CellSample& cell) {
    std::vector<GuestThread> threads;
    for (const VcpuSample& vcpu : cell.vcpus) {
        GuestThread& thread = threads.emplace_back();
        thread.sample = &vcpu;
        thread.name = "vCPU " + std::to_string(vcpu.id);
        const std::vector<int>* configured = find_vcpupin(guest.domain.get(), vcpu.id);
        if (configured) thread.configured = *configured;
    }
    return threads;
}

std::vector<GuestThread> other_threads_of(const GuestSample& guest) {
    const DomainTuning* tuning = guest.domain ? &guest.domain->tuning : nullptr;
    std::vector<GuestThread> threads;
    const auto add = [&](const ThreadSample& sample, const char* role) -> GuestThread& {
        GuestThread& thread = threads.emplace_back();
        thread.sample = &sample;
        thread.name = role;
        thread.name += ' ' + std::to_string(sample.thread);
        return thread;
    };
    for (const auto* threads_of_emulator : {&guest.emulator, &guest.vhost})
        for (const ThreadSample& sample : *threads_of_emulator) {
            GuestThread& thread = add(sample, "emulator thread");
            if (tuning && tuning->emulatorpin) thread.configured = *tuning->emulatorpin;
        }
    for (const ThreadSample& sample : guest.iothreads) {
        GuestThread& thread = add(sample, "iothread");
        if (!tuning) continue;
        for (const auto& [id, cpus] : tuning->iothreadpin)
            if (sample.name == "IO iothread" + std::to_string(id)) thread.configured = cpus;
    }
    return threads;
}

const Pin* KnownPins::find(const ThreadSample& thread) const {
    const auto known = pins_.find(identity_of(thread));
    return known == pins_.end() ? nullptr : &known->second;
}

const std::vector<int>& KnownPins::owners_choice(const ThreadSample& thread) const {
    const Pin* pin = find(thread);
    if (!pin) return thread.affinity;
    // The cpuset may have been widened since.
    return pin->unset && !thread.cpuset.empty() ? thread.cpuset : pin->before;
}

bool KnownPins::changed_by_someone_else(const ThreadSample& thread, const std::vector<int>& online,
                                        bool kernel_forgets) const {
    const Pin* pin = find(thread);
    if (!pin) return false;
    std::vector<int> usable = online;
    // What was read of the cpuset may be older than a CPU that went offline.
    if (!thread.cpuset.empty()) remove_others(usable, thread.cpuset);
    if (explains(pin->ours, thread.affinity, usable)) return false;
    return !kernel_forgets || pin->reapplied >= max_reapplied ||
           !explains(owners_choice(thread), thread.affinity, usable);
}

std::set<pid_t> KnownPins::in_force(const Sample& sample) const {
    std::set<pid_t> threads;
    for (const GuestSample& guest : sample.guests)
        for_each_thread(guest, [&](const ThreadSample& thread) {
            const Pin* pin = find(thread);
            if (pin && pin->ours == thread.affinity) threads.insert(thread.thread);
        });
    return threads;
}

const Pin* KnownPins::find_inherited(const GuestSample& guest, const ThreadSample& thread) const {
    const Pin* inherited = nullptr;
    for_each_thread(guest, [&](const ThreadSample& parent) {
        const Pin* pin = find(parent);
        if (pin && is_heir(identity_of(thread), {thread.affinity, thread.cpuset}, *pin))
            inherited = pin;
    });
    return inherited;
}

bool KnownPins::holds(const GuestSample& guest) const {
    return std::any_of(guest.cells.begin(), guest.cells.end(),
                       [&](const CellSample& cell) { return holds(cell); });
}

bool KnownPins::holds(const CellSample& cell) const {
    return std::any_of(cell.vcpus.begin(), cell.vcpus.end(),
                       [&](const VcpuSample& vcpu) { return find(vcpu) != nullptr; });
}

}  // namespace vnuma
