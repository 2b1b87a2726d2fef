// The affinities vnumad has changed: what they were, and what it made of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "guests/model/sample.hpp"
#include "guests/process/process.hpp"
#include "src/observe/host.hpp"
#include "src/observe/known_pins.hpp"

namespace vnuma {

class VcpuPins {
  public:
    const KnownPins& known() const { return pins_; }

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
    std::string pin_one(const Process& process, const VcpuSample& vcpu,
                        const std::vector<int>& cpus);
    void take_back(const CellSample& cell, const std::map<ThreadIdentity, Pin>& former);
    // Whether our pin is not in force any more.
    static bool put_back(const ThreadIdentity& thread, const Pin& pin);

    KnownPins pins_;
};

}  // namespace vnuma
