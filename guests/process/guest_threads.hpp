// The threads of a guest: the process group that vnumad places.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "guests/model/listed_guest.hpp"
#include "guests/model/sample.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

struct GuestThreads {
    std::vector<VcpuSample> vcpus;  // ordered by id
    std::vector<ThreadSample> emulator, iothreads, vhost;
};

// Reads one guest's threads again and again. What changes rarely is remembered: a cgroup's cpuset
// is read when a thread is new, and when asked to.
class ThreadReader {
  public:
    explicit ThreadReader(std::string cgroup_root) : cgroup_root_(std::move(cgroup_root)) {}

    // Threads are what the source says, and where it says nothing, what their names say. `all` also
    // reads what changes rarely: cpusets, and the threads that are no vCPUs.
    GuestThreads read(const Process& process, const ListedGuest& listed, bool all);

    // One thread by itself; nothing when it has ended.
    static std::optional<ThreadSample> read_one(const Process& process, pid_t task);

  private:
    struct Known {
        std::uint64_t start_time = 0;
        std::string mask;  // of CPUs, as the kernel hands it out
        std::vector<int> affinity, cpuset;
        bool vcpu = false;
        ThreadSample sample;  // of a thread that is no vCPU, as it was last read
    };

    static bool read_times(const Process& process, pid_t task, ThreadSample& sample);
    static bool read_affinity(const Process& process, pid_t task, bool all, Known& known);
    std::vector<int> read_cpuset(const Process& process, pid_t task);

    std::string cgroup_root_;
    std::map<pid_t, Known> known_;
};

// vhost threads of kernels before 6.4, which are the kernel's own: by the pid of the process they
// serve. `kthreadd` is the process with the number 2.
std::multimap<pid_t, pid_t> find_kernel_vhost_threads(const Process& kthreadd);

// The same threads of this host, read; a kernel thread is a process of its own.
std::multimap<pid_t, ThreadSample> read_kernel_vhost_threads();

}  // namespace vnuma
