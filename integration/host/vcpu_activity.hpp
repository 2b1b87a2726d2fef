// What the vCPUs of a guest do that does not answer: for messages.
#pragma once

#include <sys/types.h>

#include <string>

namespace vnuma::lab {

// How KVM's counters of a guest of libvirt grow within a second or so, and a few samples of its
// vCPUs' registers. RIP names a function of the guest's kernel, which has fixed addresses
// (nokaslr), in its System.map. Empty if the guest has ended.
std::string vcpu_activity(const std::string& domain, pid_t pid);

}  // namespace vnuma::lab
