// One guest that nobody tells of: what its process shows.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "guests/discovery/kvm_access.hpp"
#include "guests/model/domain.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/model/ram.hpp"
#include "guests/model/settings.hpp"
#include "guests/process/kvm_process.hpp"
#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"

namespace vnuma {

// Blocks for as long as reading a few files of /proc takes. For one thread at a time.
class ProcGuest {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // A guest of which no vCPU has run for this time is paused, or halted. One that only idles
    // runs more often.
    static constexpr std::chrono::seconds paused_after{5};
    // What seldom changes without being noticed is read again in one list of so many.
    static constexpr std::size_t lists_for_all = 16;

    // `kvm` must outlive the guest.
    ProcGuest(std::shared_ptr<const Process> process, Roots roots, KvmAccess& kvm);

    const Process& process() const { return *process_; }

    // Reads what may have changed. Nothing once the process has ended or holds no VM any more. The
    // guest's uuid is the one that its command line gives it, or PID-STARTTIME. Throws SourceError
    // if vnumad has no free descriptor.
    std::optional<ListedGuest> list(Time now);

    // Whether its name is made from its control group, which other guests may be in too.
    bool is_named_by_group() const { return named_by_group_; }

    // Reads the names of its threads again. Throws MonitorError once it is no guest any more.
    RunState read_state();

  private:
    struct Task {
        std::string name;
        int looks = 0;
    };

    bool read_files(bool all);
    bool read_tasks(bool all);
    void find_vcpus();
    std::map<int, pid_t> read_vcpus_of_kvm(const std::set<pid_t>& tasks);
    void read_command_line();
    void describe_by_mappings(bool all);
    void note_other_memory();
    std::vector<KvmMemorySlot> keep_mappings_of_kvm(std::vector<Mapping>& mappings);
    void set_memory(const std::vector<KvmMemorySlot>& slots, const std::vector<Mapping>& mappings);
    void complete(Domain& domain) const;
    void read_run_times(Time now);
    bool has_run(pid_t thread);
    RunState state_by_names() const;
    std::string why_unsteady() const;
    std::string certainty() const;

    std::shared_ptr<const Process> process_;
    Roots roots_;
    KvmAccess& kvm_;
    std::string executable_, name_;
    bool is_qemu_ = false, named_by_group_ = false;
    std::size_t lists_ = 0;
    std::vector<std::string> descriptors_;
    KvmFiles files_;
    std::map<pid_t, Task> tasks_;
    std::map<int, pid_t> named_vcpus_;  // by the number in the name
    VcpuThreads vcpus_;
    std::shared_ptr<const Domain> domain_;
    std::vector<KvmMemorySlot> slots_;       // as KVM told them last
    std::shared_ptr<const RamView> memory_;  // as KVM tells it; null if it does not
    std::string other_memory_;  // the sentence about it in the domain's problems; empty without
    std::string sizes_;  // of its mappings together, and how many vCPUs, when it was described
    std::map<pid_t, std::uint64_t> run_ns_;  // by vCPU thread
    pid_t runner_ = 0;                       // the vCPU thread that has run last
    std::optional<Time> first_,
        ran_;  // when it was seen first, and when a vCPU was seen to have run
    RunState state_ = RunState::unknown;
};

}  // namespace vnuma
