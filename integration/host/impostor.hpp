// A process that has the number of one that has ended, and threads with the numbers of its threads.
#pragma once

#include <sys/types.h>

#include <vector>

namespace vnuma::lab {

class Impostor {
  public:
    // All numbers must be free: the process has ended and was waited for. Every thread may use
    // these CPUs, and sleeps. Throws std::runtime_error if the kernel does not give the numbers.
    Impostor(pid_t process, const std::vector<pid_t>& threads, const std::vector<int>& cpus);
    ~Impostor();  // ends the process
    Impostor(const Impostor&) = delete;
    Impostor& operator=(const Impostor&) = delete;

  private:
    pid_t process_;
};

}  // namespace vnuma::lab
