// Counts KVM's page faults of chosen guests in the kernel, by vCPU and by place in guest-physical
// memory, and so shows which vCPU accesses which memory.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vnuma {

// Kinds of fault (thread, bucket, read or write) that the kernel can count between two calls of
// take(), for all guests together.
inline constexpr std::uint32_t max_fault_kinds = 65'536;
// Guests that can be watched at the same time.
inline constexpr std::uint32_t max_watched_guests = 1'024;

// Faults of one kind.
struct CountedFaults {
    pid_t process = 0;
    pid_t thread = 0;          // the vCPU's thread
    int vcpu = 0;              // KVM's id, which QEMU sets to the APIC id: not QEMU's vCPU number
    std::uint64_t bucket = 0;  // guest-physical address >> the guest's shift
    bool write = false;
    // A fault that KVM has the vCPU repeat, because the memory is being changed, counts once.
    std::uint64_t count = 0;
};

struct FaultCounts {
    std::vector<CountedFaults> faults;
    std::uint64_t dropped = 0;  // faults, of any guest, that found no room in the table
    // How long one fault keeps a vCPU busy, estimated from the shortest intervals between two
    // faults of a vCPU; none until there were enough intervals.
    std::optional<std::chrono::nanoseconds> fault_time;
};

// For one thread at a time. The kernel removes the program and its counts when this process ends.
class FaultCounter {
  public:
    FaultCounter() = default;
    FaultCounter(const FaultCounter&) = delete;
    FaultCounter& operator=(const FaultCounter&) = delete;
    virtual ~FaultCounter() = default;

    // Counts the faults of this process (a QEMU) from now on, in buckets of 2^shift bytes, 4 KiB at
    // least. If the process is watched with another shift, its counts are forgotten. Returns false
    // if max_watched_guests are watched already. Throws std::system_error.
    virtual bool watch(pid_t process, int shift) = 0;
    // Forgets the counts that were not taken. Throws nothing.
    virtual void unwatch(pid_t process) = 0;

    // The faults since the last call. Buckets may lie outside the guest's RAM: accesses to the
    // memory of devices may fault, too. Throws std::system_error.
    virtual FaultCounts take() = 0;
};

// Returns none, and sets `why_not`, if the kernel, a permission or the build lacks something.
std::unique_ptr<FaultCounter> load_fault_counter(std::string& why_not);

}  // namespace vnuma
