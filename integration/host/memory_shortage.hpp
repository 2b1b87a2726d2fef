// A host that is short of memory.
#pragma once

#include <sys/types.h>

namespace vnuma::lab {

// A process that the kernel keeps waiting for memory, since its cgroup may have less than it uses.
class MemoryShortage {
  public:
    MemoryShortage();  // throws std::system_error
    ~MemoryShortage();
    MemoryShortage(const MemoryShortage&) = delete;
    MemoryShortage& operator=(const MemoryShortage&) = delete;

  private:
    pid_t process_ = -1;
};

// Share of the last 10 s in which some process has waited for memory, percent.
double memory_pressure();

}  // namespace vnuma::lab
