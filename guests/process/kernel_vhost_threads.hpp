// vhost threads of kernels before Linux 6.4, where they are kernel threads and not threads of QEMU.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>

#include "guests/model/sample.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// Their ids, by the pid of the process that they serve. `kthreadd` is the process with pid 2, the
// parent of all kernel threads; at most 65536 of its children are considered.
std::multimap<pid_t, pid_t> find_kernel_vhost_threads(const Process& kthreadd);

// This host's, by the pid of the process that they serve. Throws std::system_error if the kernel
// has no pidfd_open(2).
std::multimap<pid_t, ThreadSample> read_kernel_vhost_threads();

// What such a thread, or another process by its first thread, is like now; nothing if it has ended.
std::optional<ThreadSample> read_again(const ThreadSample& known);

}  // namespace vnuma
