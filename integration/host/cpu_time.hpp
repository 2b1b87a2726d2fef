// CPU time of processes and kernel threads.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>

namespace vnuma::lab {

// User and system time of all threads of a process, including threads that have ended, in units of
// the kernel's clock tick. 0 if the process has ended.
std::chrono::microseconds cpu_time_of(pid_t pid);

// CPU time that the kernel threads with one name prefix have used since the object was made. The
// time that a thread uses between the last update() and its end is missed.
class KernelThreadTime {
  public:
    explicit KernelThreadTime(std::string name_prefix);

    void update();
    std::chrono::nanoseconds used() const;

  private:
    struct Thread {
        bool counts = false;  // whether the name has the prefix
        std::chrono::nanoseconds before{0}, now{0};
    };

    void update(bool first);

    std::string name_prefix_;
    std::map<pid_t, Thread> threads_;
};

}  // namespace vnuma::lab
