// What the vCPUs of a guest do that does not answer: for messages.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace vnuma::lab {

// How KVM's counters of a guest grow within a second or so, and a few samples of its vCPUs'
// registers, as QEMU's monitor prints them ("info registers -a"). RIP names a function of the
// guest's kernel, which has fixed addresses (nokaslr), in its System.map.
std::string vcpu_activity(pid_t pid, const std::function<std::string()>& read_registers);

// Whether a text with that has a vCPU whose page tables are beyond the guest's memory, which starts
// at 0: emulation has given it the state of the host (docs/lab.md).
bool has_state_of_host(const std::string& activity, std::uint64_t guest_bytes);

}  // namespace vnuma::lab
