// Which threads of a QEMU are new. A new one may be that of a vCPU that is plugged in, of an
// iothread, or of a migration.
#pragma once

#include <sys/types.h>

#include <vector>

#include "guests/process/process.hpp"

namespace vnuma {

// For one process. Reads a few files of /proc. Use from one thread at a time.
class KnownThreads {
  public:
    // None of these threads is new.
    void set(std::vector<pid_t> threads);

    // Whether the process has a thread that is new. It stays new until set() names it. Threads of
    // QEMU's pool for I/O and of io_uring's come and go, mean nothing, and are never new. QEMU
    // names its threads only with -name debug-threads=on, and otherwise each thread of its pool is
    // new.
    bool has_new(const Process& process);

  private:
    std::vector<pid_t> threads_;  // sorted
};

}  // namespace vnuma
