#include "src/observe/known_pins.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "guests/process/process.hpp"
#include "guests/process/thread_roles.hpp"
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
        thread.libvirt = {DomainThread::Role::vcpu, vcpu.id};
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
    // libvirt confines all of them with <emulatorpin>.
    const auto add_all = [&](const std::vector<ThreadSample>& samples, const char* role) {
        for (const ThreadSample& sample : samples) {
            GuestThread& thread = add(sample, role);
            if (tuning && tuning->emulatorpin) thread.configured = *tuning->emulatorpin;
            if (!guest.process || sample.thread != guest.process->pid()) continue;
            thread.libvirt = {DomainThread::Role::emulator, 0};
            std::swap(threads.front(), threads.back());
        }
    };
    add_all(guest.emulator, "emulator thread");
    add_all(guest.vhost, "vhost thread");
    add_all(guest.helpers, "helper thread");
    for (const ThreadSample& sample : guest.iothreads) {
        GuestThread& thread = add(sample, "iothread");
        const auto id = parse_iothread_name(sample.name);
        if (!id) continue;
        thread.libvirt = {DomainThread::Role::iothread, *id};
        if (guest.domain && guest.domain->iothread_cells.contains(*id))
            thread.cell = guest.domain->iothread_cells.at(*id);
        if (tuning && tuning->iothreadpin.contains(*id))
            thread.configured = tuning->iothreadpin.at(*id);
    }
    return threads;
}

std::vector<GuestThread> threads_of(const GuestSample& guest) {
    std::vector<GuestThread> all = other_threads_of(guest);
    for (const CellSample& cell : guest.cells) {
        std::vector<GuestThread> vcpus = vcpus_of(guest, cell);
        all.insert(all.begin(), vcpus.begin(), vcpus.end());
    }
    return all;
}

const Pin* KnownPins::find(const ThreadSample& thread) const {
    const auto known = pins_.find(identity_of(thread));
    return known == pins_.end() ? nullptr : &known->second;
}

const std::vector<int>& KnownPins::owners_choice(const ThreadSample& thread) const {
    const Pin* pin = find(thread);
    if (!pin) return thread.affinity;
    // The cpuset may have been widened since, unless it is our pin too.
    const bool is_free = pin->unset && !pin->libvirt && !thread.cpuset.empty();
    return is_free ? thread.cpuset : pin->before;
}

bool KnownPins::changed_by_someone_else(const ThreadSample& thread, const std::vector<int>& online,
                                        bool kernel_forgets) const {
    const Pin* pin = find(thread);
    if (!pin) return false;
    if (pin->is_unconfirmed()) return pin->reapplied >= max_reapplied;
    std::vector<int> usable = online;
    // What was read of the cpuset may be older than a CPU that went offline.
    if (!thread.cpuset.empty()) remove_others(usable, thread.cpuset);
    if (explains(pin->ours, thread.affinity, usable)) return false;
    if (pin->reapplied >= max_reapplied) return true;
    const bool all_usable =
        std::includes(thread.affinity.begin(), thread.affinity.end(), usable.begin(), usable.end());
    if (pin->lost && all_usable) return false;
    return !kernel_forgets || !explains(owners_choice(thread), thread.affinity, usable);
}

void KnownPins::mark_lost(const std::vector<int>& online) {
    for (auto& [thread, pin] : pins_)
        if (std::none_of(pin.ours.begin(), pin.ours.end(), [&](int cpu) {
                return std::binary_search(online.begin(), online.end(), cpu);
            }))
            pin.lost = true;
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
