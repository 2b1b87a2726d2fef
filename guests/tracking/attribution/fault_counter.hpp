// Who touches which memory: counts KVM's page faults of chosen guests in the kernel, by vCPU and by
// where in guest-physical memory they were.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vnuma {

// Kinds of fault that the kernel holds between two calls of take(), for all guests together.
inline constexpr std::uint32_t max_fault_kinds = 65'536;
// Guests that can be watched at once.
inline constexpr std::uint32_t max_watched_guests = 1'024;

struct CountedFaults {
    pid_t process = 0;
    pid_t thread = 0;  // of the vCPU
    int vcpu = 0;      // KVM's id. QEMU's is the APIC id, which may skip numbers: see `thread`
    std::uint64_t bucket = 0;  // guest-physical address >> the guest's shift
    bool write = false;
    // What KVM has the vCPU try again at once, because the memory is just being changed, counts
    // once.
    std::uint64_t count = 0;
};

struct FaultCounts {
    std::vector<CountedFaults> faults;
    std::uint64_t dropped = 0;  // faults that found no room
    // What one fault takes a vCPU, from the lower end of the times between two of one vCPU; none
    // until there were enough.
    std::optional<std::chrono::nanoseconds> fault_time;
};

// For one thread at a time. The kernel forgets all of it when this process ends.
class FaultCounter {
  public:
    FaultCounter() = default;
    FaultCounter(const FaultCounter&) = delete;
    FaultCounter& operator=(const FaultCounter&) = delete;
    virtual ~FaultCounter() = default;

    // From now on faults of this process (a QEMU's) are counted, for each 2^shift bytes of its
    // guest-physical memory, 4 KiB at least. With another shift, what was counted before is
    // forgotten. False when max_watched_guests are watched already. Throws std::system_error.
    virtual bool watch(pid_t process, int shift) = 0;
    // What was counted and not taken is forgotten. Throws nothing.
    virtual void unwatch(pid_t process) = 0;

    // What was counted since the last call. Groups need not be of the guest's RAM: devices' memory
    // may fault, too. Throws std::system_error.
    virtual FaultCounts take() = 0;
};

// None, and why, where the kernel, a permission or the build lacks something.
std::unique_ptr<FaultCounter> load_fault_counter(std::string& why_not);

}  // namespace vnuma
