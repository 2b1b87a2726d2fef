// What the vCPUs of a guest do that does not answer: for messages.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace vnuma::lab {

// How KVM's counters of a guest of libvirt grow within a second or so, and a few samples of its
// vCPUs' registers. RIP names a function of the guest's kernel, which has fixed addresses
// (nokaslr), in its System.map. Empty if the guest has ended.
std::string vcpu_activity(const std::string& domain, pid_t pid);

// Whether a text with that has a vCPU whose page tables are beyond the guest's memory, which starts
// at 0: emulation has given it the state of the host (docs/lab.md).
bool has_state_of_host(const std::string& activity, std::uint64_t guest_bytes);

}  // namespace vnuma::lab
