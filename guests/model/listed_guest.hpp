// A guest as its source lists it, before more is read from /proc. Data only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "guests/model/domain.hpp"
#include "guests/model/ram.hpp"
#include "guests/model/run_state.hpp"

namespace vnuma {

class Process;

struct ListedGuest {
    // The guest's key, which no other guest has: its UUID. Where guests have one UUID, or none, it
    // is what the source makes of it.
    std::string uuid;
    std::string name;
    std::optional<int> id{};  // libvirt's number of the running domain
    // Who told of it: "libvirt", "qmp" or "proc"; empty for the source that listed it.
    const char* source = "";
    // What tells of its vCPUs and memory, in words, if nobody was asked; empty otherwise.
    std::string certainty{};
    bool has_monitor = true;  // whether the source can ask where its memory is
    RunState state = RunState::unknown;
    // When the source was asked for the state, or looked for signs of a change and found none (in
    // libvirt's list, among QEMU's threads); unset if it does not record that, and the sampler then
    // sets the time at which the list began.
    std::chrono::steady_clock::time_point read_at{};
    // Whether the source was asked for the guest's job too, such as a migration, or has no such
    // question. If it was not, the state is to be read again before anything is done to the guest.
    bool job_known = true;
    std::string unsteady;      // why vnumad does nothing to it; empty if it simply runs
    std::optional<pid_t> pid;  // none if it is not known
    // The process with that pid, if the source has made sure that it is the guest's.
    std::shared_ptr<const Process> process{};
    // Path of the process' control group, relative to the root of its hierarchy: that of cgroup
    // v1's cpuset controller, else that of cgroup v2. Empty if it is not known. The sampler sets
    // it.
    std::string cgroup{};
    // Null if there is no usable description. The same object at every tick until it changes.
    std::shared_ptr<const Domain> domain;
    // Where its memory is, if the source knows without asking its monitor; else null.
    std::shared_ptr<const RamView> memory{};
    // Threads that QEMU reports, by vCPU and by iothread id. Both are empty if the source reports
    // none; the threads' names then say what they do.
    std::map<int, pid_t> vcpu_threads;
    std::map<std::string, pid_t> iothreads;
};

}  // namespace vnuma
