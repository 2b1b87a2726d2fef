// The affinities that vnumad has set, and what they were before. Pure: the system calls are in
// src/act/thread_pins.hpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "guests/model/domain_thread.hpp"
#include "guests/model/sample.hpp"

namespace vnuma {

// A thread number may be given to another thread after the first one has ended; its start time, in
// clock ticks since boot, tells the two apart.
struct ThreadIdentity {
    pid_t id = 0;
    std::uint64_t start_time = 0;

    friend auto operator<=>(const ThreadIdentity&, const ThreadIdentity&) = default;
};

inline ThreadIdentity identity_of(const ThreadSample& thread) {
    return {thread.thread, thread.start_time};
}

// A pin that is set by libvirt, which limits cpuset and affinity at once.
struct LibvirtPin {
    DomainThread thread;
    std::vector<int> before;  // the CPUs that libvirt allowed before our first pin
    // A call has not returned: until it does, libvirt's configuration may also be this one, from
    // before the call.
    std::optional<std::vector<int>> unconfirmed{};

    friend bool operator==(const LibvirtPin&, const LibvirtPin&) = default;
};

struct Pin {
    std::vector<int> before;  // the CPUs that the owner allowed before our first pin
    std::vector<int> ours;    // the CPUs that we allowed
    // Nobody had set an affinity, so the thread gets back all CPUs that its cpuset will ever allow.
    bool unset = false;
    // What libvirt's <vcpupin> allows while our pin is in force; empty if it allows all. Anything
    // else is the owner's.
    std::vector<int> configured{};
    std::uint64_t since = 0;  // the first pin, in clock ticks since boot
    int reapplied = 0;        // times that it was set again, since it was not in force any more
    std::optional<LibvirtPin> libvirt{};  // none: the pin is an affinity
    // All of our CPUs have been offline, so that the kernel may have allowed the thread all others,
    // as it does where it has no CPU left to run on (select_fallback_rq in kernel/sched/core.c).
    bool lost = false;

    bool is_unconfirmed() const { return libvirt && libvirt->unconfirmed; }

    friend bool operator==(const Pin&, const Pin&) = default;
};

// Kernels before 6.2 forget affinities when a cpuset is written (sched_setaffinity(2),
// user_cpus_ptr in kernel/sched/core.c), and libvirt may not answer. A pin is set again so often;
// then the guest is left alone.
inline constexpr int max_reapplied = 3;

// Whether a thread for which `mask` was set has this affinity: the kernel takes the CPUs that are
// not usable (outside its cpuset, or offline) out of the mask, and allows all usable CPUs where
// none is left. CPUs that are offline may stay in the affinity. All are sorted.
bool explains(const std::vector<int>& mask, const std::vector<int>& affinity,
              const std::vector<int>& usable);

struct ThreadCpus {
    std::vector<int> affinity;  // sorted; within the cpuset
    std::vector<int> cpuset;    // sorted; empty if it is not known
};

// Whether a thread was born while another one of its process was pinned like this, and has its
// affinity: the kernel gives a thread the affinity of the one that creates it.
bool is_heir(const ThreadIdentity& thread, const ThreadCpus& cpus, const Pin& pin);

// A thread of a guest, and what else is needed to pin it.
struct GuestThread {
    const ThreadSample* sample = nullptr;
    std::string name;               // for messages: "vCPU 0", "iothread 1234"
    std::vector<int> configured{};  // what libvirt's configuration allows it; empty: all CPUs
    // What libvirt knows it as; none if libvirt cannot pin it. The emulator is QEMU's first thread:
    // the others follow by their cpuset.
    std::optional<DomainThread> libvirt{};
    std::optional<int> cell{};  // that it serves; none if it serves all, or if that is not known
};

// The vCPUs of a cell, and the threads of a guest and of its helpers that are not vCPUs, QEMU's
// first thread first. They point into the sample.
std::vector<GuestThread> vcpus_of(const GuestSample& guest, const CellSample& cell);
std::vector<GuestThread> other_threads_of(const GuestSample& guest);

// All of these.
std::vector<GuestThread> threads_of(const GuestSample& guest);

template <typename Visit>
void for_each_thread(const GuestSample& guest, const Visit& visit) {
    for (const CellSample& cell : guest.cells)
        for (const VcpuSample& vcpu : cell.vcpus)
            visit(vcpu);
    for (const auto* others : {&guest.emulator, &guest.iothreads, &guest.vhost, &guest.helpers})
        for (const ThreadSample& thread : *others)
            visit(thread);
}

class KnownPins {
  public:
    // The CPUs that the owner allows: those before our first pin, or the current ones without one.
    const std::vector<int>& owners_choice(const ThreadSample& thread) const;

    // Whether someone else has changed the affinity of a thread that we pinned. CPUs that leave its
    // cpuset or go offline are nobody's change. `online` is sorted. `kernel_forgets`: the host's
    // kernel restores the owner's choice when a cpuset is written, so that it is no change either,
    // up to max_reapplied times. The same holds for a pin that libvirt has not confirmed, and for
    // all usable CPUs where the kernel may have dropped the pin (Pin::lost).
    bool changed_by_someone_else(const ThreadSample& thread, const std::vector<int>& online,
                                 bool kernel_forgets) const;

    // Threads whose affinity is the one that we set.
    std::set<pid_t> in_force(const Sample& sample) const;

    // Whether any vCPU of the cell is pinned by us.
    bool holds(const CellSample& cell) const;
    bool holds(const GuestSample& guest) const;

    const Pin* find(const ThreadSample& thread) const;
    Pin find_or_none(const ThreadSample& thread) const {
        const Pin* pin = find(thread);
        return pin ? *pin : Pin();
    }

    // The pin that a thread has inherited (is_heir) from another one of the guest; null if none.
    const Pin* find_inherited(const GuestSample& guest, const ThreadSample& thread) const;

    // Marks the pins that are lost, now that these CPUs are online. Sorted.
    void mark_lost(const std::vector<int>& online);

    void set(const ThreadIdentity& thread, Pin pin) { pins_[thread] = std::move(pin); }
    void erase(const ThreadIdentity& thread) { pins_.erase(thread); }
    const std::map<ThreadIdentity, Pin>& all() const { return pins_; }

  private:
    std::map<ThreadIdentity, Pin> pins_;
};

}  // namespace vnuma
