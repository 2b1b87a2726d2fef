// The threads of a guest.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/listed_guest.hpp"
#include "guests/model/sample.hpp"
#include "guests/process/kept_file.hpp"
#include "guests/process/process.hpp"
#include "guests/process/thread_roles.hpp"

namespace vnuma {

struct GuestThreads {
    std::vector<VcpuSample> vcpus;  // sorted by id
    std::vector<ThreadSample> emulator, iothreads, vhost;
};

// Reads one guest's threads tick after tick. It remembers what changes rarely: which threads there
// are, as long as their number is the same and none has ended, cpusets, affinities whose mask is
// the same, and all else of the threads that are not vCPUs. The files of vCPUs stay open: a reading
// is then three system calls for each vCPU, and one for each other thread.
class ThreadReader {
  public:
    // `cgroup_root` is the directory where the cgroup hierarchy, or each of those of cgroup v1, is
    // mounted.
    explicit ThreadReader(std::string cgroup_root) : cgroup_root_(std::move(cgroup_root)) {}

    // Threads that end while they are read are left out. `rare_too` reads again what is remembered.
    GuestThreads read(const Process& process, const ListedGuest& listed, bool rare_too);

  private:
    struct Known {
        ThreadSample sample;
        std::string mask;  // the affinity, as sched_getaffinity(2) returned it last
        ThreadRole role = ThreadRole::emulator;
        KeptFile stat, schedstat;  // of vCPUs
    };

    bool read_again(const Process& process);
    bool read_again(const Process& process, pid_t task, Known& known) const;
    void read_anew(const Process& process, const ThreadRoles& roles, bool rare_too);
    std::optional<Known> read_thread(const Process& process, pid_t task,
                                     const ThreadRoles& roles) const;
    std::vector<int> read_cpuset(const Process& process, pid_t task) const;

    std::string cgroup_root_;
    std::map<pid_t, Known> known_;
};

// CPUs of the cpuset of a task, whose "cgroup" file has this text: those of its group, or of the
// next one above that has the controller; empty if they are not known.
std::vector<int> read_cpuset(const std::string& cgroup_text, const std::string& cgroup_root);

// One thread without its cpuset; nothing if it has ended.
std::optional<ThreadSample> read_thread(const Process& process, pid_t task);

}  // namespace vnuma
