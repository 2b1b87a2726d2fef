// What KVM itself knows of its VMs, read by a BPF program where nothing else tells it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace vnuma {

// A piece of guest-physical memory, and where the VMM has mapped it.
struct KvmMemorySlot {
    std::uint64_t guest = 0;    // guest-physical address
    std::uint64_t bytes = 0;    // a multiple of 4 KiB
    std::uint64_t address = 0;  // in the address space of the process

    friend bool operator==(const KvmMemorySlot&, const KvmMemorySlot&) = default;
};

// If a process holds several VMs, this is the first of them that has memory.
struct KvmState {
    std::map<int, pid_t> threads{};  // by KVM's number of the vCPU; without those that never ran
    std::vector<KvmMemorySlot> slots{};  // by guest-physical address; empty if they are not known

    friend bool operator==(const KvmState&, const KvmState&) = default;
};

// For one thread at a time. Nothing runs in the kernel between two calls.
class KvmReader {
  public:
    KvmReader() = default;
    KvmReader(const KvmReader&) = delete;
    KvmReader& operator=(const KvmReader&) = delete;
    virtual ~KvmReader() = default;

    // Reads what KVM knows of the VMs that a process has open; nothing of one that has ended. No
    // guest takes notice. Takes less than 1 ms, and before Linux 6.1 as long as a walk over the
    // open files of all processes. Throws std::system_error.
    virtual KvmState read(pid_t process) = 0;
};

// Returns none, and sets `why_not`, if the kernel, a permission or the build lacks something.
std::unique_ptr<KvmReader> load_kvm_reader(std::string& why_not);

}  // namespace vnuma
