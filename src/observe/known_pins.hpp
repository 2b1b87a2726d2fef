// The affinities that vnumad has set, and what they were before. Pure: the system calls are in
// src/act/vcpu_pins.hpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <vector>

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

struct Pin {
    std::vector<int> before;  // the CPUs that the owner allowed before our first pin
    std::vector<int> ours;    // the CPUs that we allowed
};

class KnownPins {
  public:
    // The CPUs that the owner allows: those before our first pin, or the current ones without one.
    const std::vector<int>& owners_choice(const VcpuSample& vcpu) const;

    // Whether someone else has changed the affinity of a vCPU that we pinned. The owner's choice
    // counts as unchanged, since kernels before 6.2 restore it when any cpuset is written. So do
    // both without the CPUs that are not in `online`, which is sorted: the kernel takes CPUs that
    // go offline out of affinities, and allows all of the cpuset where none is left.
    bool changed_by_someone_else(const VcpuSample& vcpu, const std::vector<int>& online) const;

    // Threads whose affinity is the one that we set.
    std::set<pid_t> in_force(const Sample& sample) const;

    // Whether any vCPU of the cell is pinned by us.
    bool holds(const CellSample& cell) const;

    const Pin* find(const ThreadSample& thread) const;
    void set(const ThreadIdentity& thread, Pin pin) { pins_[thread] = std::move(pin); }
    void erase(const ThreadIdentity& thread) { pins_.erase(thread); }
    const std::map<ThreadIdentity, Pin>& all() const { return pins_; }

  private:
    std::map<ThreadIdentity, Pin> pins_;
};

}  // namespace vnuma
