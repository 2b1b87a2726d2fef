// Confines vCPU threads to the CPUs of a node, and gives them back what their owner allowed.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "guests/model/sample.hpp"
#include "guests/process/process.hpp"
#include "src/act/kernel_calls.hpp"
#include "src/observe/host.hpp"
#include "src/observe/known_pins.hpp"

namespace vnuma {

// Its calls block. Calls that change something may come from any thread, known() only while there
// are none.
class VcpuPins {
  public:
    // `kernel` must outlive it.
    explicit VcpuPins(Kernel& kernel) : kernel_(kernel) {}

    const KnownPins& known() const { return pins_; }

    // Confines the cell's vCPUs to the node's CPUs, within what the owner allows: either all of
    // them or none. Returns what went wrong, or an empty string; that a thread has just ended is no
    // failure.
    std::string pin(const Process& process, const CellSample& cell, const Host& host,
                    NodeIndex node);

    // Gives the cell's vCPUs back the CPUs that their owner allows. Returns what went wrong, or an
    // empty string; a vCPU that cannot be put back stays known as pinned.
    std::string release(const CellSample& cell);

    // Forgets threads that have ended. A guest that is missing from one sample keeps its pins: if
    // one were taken for the owner's choice, it could never be undone.
    void forget_ended(const Sample& sample);

    // Puts back the owner's choice wherever our pin is still in force. Returns false, and changes
    // nothing, if another call does not return within undo_patience.
    bool undo();
    static constexpr std::chrono::seconds undo_patience{1};

  private:
    using Pins = std::map<ThreadIdentity, Pin>;

    std::string pin_one(const Process& process, const VcpuSample& vcpu,
                        const std::vector<int>& cpus);
    void restore(const CellSample& cell, const Pins& former);
    // Returns errno, or 0 when our pin is not in force any more.
    int put_back(const ThreadIdentity& thread, const Pin& pin);

    Kernel& kernel_;
    std::timed_mutex mutex_;  // held for the length of a call that changes something
    KnownPins pins_;
};

}  // namespace vnuma
