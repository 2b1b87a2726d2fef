// KVM's own account of its VMs, in debugfs.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>

#include "guests/process/kvm_process.hpp"

namespace vnuma {

// The threads that run the vCPUs of the process with these files of KVM and these threads, by KVM's
// number; see threads_of(). sysfs is mounted at `sysfs`, and debugfs in it. Empty where the kernel
// has no debugfs, is locked down, or does not tell threads there (before Linux 5.19).
std::map<int, pid_t> read_vcpu_threads(const std::string& sysfs, const KvmFiles& files,
                                       const std::set<pid_t>& tasks);

}  // namespace vnuma
