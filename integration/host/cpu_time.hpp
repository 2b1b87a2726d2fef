// What processes and kernel threads have used of the CPUs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>

namespace vnuma::lab {

// User and system time of all threads of a process, those that have ended too; in steps of the
// kernel's clock tick. Nothing when it is gone.
std::chrono::microseconds cpu_time_of(pid_t pid);

// Time that kernel threads of one kind have used since this was made. They may come and go: what
// one uses between the last look at it and its end is missed.
class KernelThreadTime {
  public:
    explicit KernelThreadTime(std::string name_prefix);

    void look();
    std::chrono::nanoseconds used() const;

  private:
    struct Thread {
        bool counts = false;  // is of the kind
        std::chrono::nanoseconds before{0}, now{0};
    };

    void look(bool first);

    std::string name_prefix_;
    std::map<pid_t, Thread> threads_;
};

}  // namespace vnuma::lab
