// The affinities vnumad has changed: what they were, and what it made of them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "guests/sample.hpp"
#include "src/host.hpp"

namespace vnuma {

class Pins {
  public:
    // The CPUs a vCPU may use as its owner left it: before the first pin of ours.
    const std::vector<int>& owners_choice(const VcpuSample& vcpu) const;

    // Set when a vCPU that we pinned runs elsewhere now, and not because the kernel put back the
    // owner's choice (kernels before 6.2 do that when any cpuset is written).
    bool changed_by_someone_else(const VcpuSample& vcpu) const;

    // Threads that run where we pinned them.
    std::set<pid_t> in_force(const Sample& sample) const;

    // Whether any vCPU of the cell is pinned by us.
    bool holds(const CellSample& cell) const;

    // Confines the cell's vCPUs to the node, within the owner's choice: all of them, or none. Makes
    // system calls. Returns what went wrong, or nothing; a thread that has just ended is nothing
    // wrong.
    std::string apply_pin(const Process& process, const CellSample& cell, const Host& host,
                          NodeIndex node);

    // Gives the cell's vCPUs back what their owner left them. Makes system calls. Returns what went
    // wrong, or nothing; one that cannot be put back stays known as pinned.
    std::string release(const CellSample& cell);

    // Drops what is known of threads that have ended. A guest that is missing from one sample
    // keeps its pins known: a pin taken for its owner's choice could never be undone.
    void forget_ended(const Sample& sample);

    // Puts back the owner's choice wherever our pin is still in force. Makes system calls.
    void undo();

  private:
    struct Thread {
        pid_t id;
        std::uint64_t start_time;
        friend auto operator<=>(const Thread&, const Thread&) = default;
    };
    struct Pin {
        std::vector<int> before, ours;
    };

    const Pin* find(const VcpuSample& vcpu) const;
    std::string pin_one(const Process& process, const VcpuSample& vcpu,
                        const std::vector<int>& cpus);
    void take_back(const CellSample& cell, const std::map<Thread, Pin>& former);
    // Whether our pin is not in force any more.
    static bool put_back(const Thread& thread, const Pin& pin);

    std::map<Thread, Pin> pins_;
};

}  // namespace vnuma
