// Which processes of the host hold a KVM VM.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "guests/process/kvm_process.hpp"

namespace vnuma {

// All processes are listed when a process or thread has been made since the last time, which the
// kernel tells in one line. Then the open files of those processes are read that are new or have
// another number of threads than before, since a VM gets threads for its vCPUs, and of a few that
// were not looked at for long. Only the first list has all processes looked at. A process is known
// by its number and the inode of its directory in /proc, which the list tells: another process with
// its number has another inode.
class KvmProcesses {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // Where nothing is made, processes are listed after this time all the same.
    static constexpr std::chrono::seconds walk_interval{10};
    // A new process may become another program, and make its VM later.
    static constexpr std::chrono::seconds settle_time{10};
    // Each process is looked at again after this time, or later where many are due.
    static constexpr std::chrono::minutes look_interval{1};
    // So many processes are looked at again in one walk, which takes about 10 ms.
    static constexpr std::size_t looks_again_at_once = 256;
    static constexpr std::size_t max_processes = 262'144;  // of a walk

    // /proc is mounted at `proc`.
    explicit KvmProcesses(std::string proc) : proc_(std::move(proc)) {}

    // The processes that hold a VM with vCPUs, sorted. A process that QEMU has just forked to run a
    // program holds its VM too, and is left out: it has the command line of its parent. `now` is
    // the time of the call. Throws SourceError if /proc cannot be read.
    const std::vector<pid_t>& find(Time now);

  private:
    struct Known {
        std::uint64_t inode = 0;
        std::uint64_t threads = 0;  // links of its task directory, which has one for each thread
        Time first{}, looked{};
        bool is_guest = false;
    };

    std::string file(pid_t pid, const char* name) const;
    bool is_walk_due(Time now);
    void walk(Time now);
    void look(pid_t pid, Known& known, Time now) const;
    // Those that were looked at when, and are to be looked at again.
    using Due = std::vector<std::pair<Time, pid_t>>;
    void look_again(Due due, Time now);
    bool is_copy(pid_t pid) const;

    std::string proc_;
    std::map<pid_t, Known> known_;
    std::vector<pid_t> guests_;
    bool walked_ = false;
    std::string newest_;  // the process or thread that was made last, as the kernel writes it
    Time next_walk_{};
};

// The KVM files among a process' open files. `process` is its directory in /proc. Throws
// SourceError if this process has no free descriptor: then nothing tells that the other one holds
// no VM.
KvmFiles read_kvm_files(const std::string& process);

// To be called when a directory is read as empty, with errno as it was left. Throws SourceError if
// that is for want of a descriptor.
void throw_if_exhausted(const std::string& directory);

}  // namespace vnuma
