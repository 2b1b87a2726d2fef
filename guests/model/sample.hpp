// What was read of the guests at one tick. Data only; derive() makes the planner's input from it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/domain.hpp"
#include "guests/model/ram.hpp"
#include "guests/model/run_state.hpp"
#include "guests/model/tracking_sample.hpp"

namespace vnuma {

class Process;

// A host device that a guest uses: one assigned to it, or the NIC below a macvtap interface.
struct HostDevice {
    std::string address;      // PCI address, "0000:01:00.0"
    std::optional<int> node;  // the kernel's node number; none if the firmware names no node
};

struct ThreadSample {
    pid_t thread = 0;
    std::uint64_t start_time = 0;  // clock ticks since boot; with `thread` it identifies the thread
    int last_cpu = -1;             // the CPU it ran on last; -1 if not known
    std::uint64_t run_ns = 0;      // time on a CPU since its start
    std::uint64_t wait_ns = 0;     // time runnable without a CPU since its start
    std::vector<int> affinity;     // CPUs it may run on, within its cpuset; sorted
    std::vector<int> cpuset{};     // CPUs of its cgroup's cpuset, sorted; empty if not known
    std::string name{};            // up to 15 bytes, as in /proc/TASK/comm
};

struct VcpuSample : ThreadSample {
    int id = 0;  // the guest's vCPU number
};

// The CPU time that all threads of a process have used since its start.
struct ProcessTime {
    pid_t process = 0;
    std::uint64_t start_time = 0;  // clock ticks since boot; with `process` it identifies it
    std::uint64_t run_ns = 0;
};

// The 2 MiB chunks of a cell, by how well their residency is known.
struct ChunkCounts {
    std::size_t all = 0;
    std::size_t exact = 0;  // chunks of which every page was read, not one page for all
    std::size_t split = 0;  // chunks with pages on more than one node
};

struct CellSample {
    int id = 0;
    std::vector<VcpuSample> vcpus;  // sorted by id; only those that are plugged in
    std::vector<RamBlock> blocks;   // empty without memory, and if they are not known
    Residency residency;
    std::optional<ChunkCounts> chunks;  // none if the residency was summed over whole mappings
    std::int64_t size = 0;  // bytes of DRAM: its own memory and that of plugged memory devices
    // Why its memory cannot be moved even if that of other cells can; empty if it can. Its RAM
    // blocks may not be known, and its residency estimated then.
    std::string immovable{};
};

inline std::vector<RamRange> host_ranges(const CellSample& cell) {
    std::vector<RamRange> ranges;
    for (const RamBlock& block : cell.blocks)
        ranges.push_back(block.host);
    return ranges;
}

// How and when the residency of a guest was read.
struct ResidencySource {
    const char* mode = "summed";                 // "summed", "full", "incremental" or "sampled"
    const char* way = "numa_maps";               // "numa_maps", "move_pages" or "pagemap"
    std::chrono::steady_clock::time_point time;  // the clock's epoch if it never was
};

struct GuestSample {
    std::string uuid;
    std::string name;
    std::optional<int> id{};         // libvirt's number of the running domain
    std::string cgroup{};            // as in ListedGuest
    const char* source = "libvirt";  // who told of it: "libvirt", "qmp" or "proc"
    std::string certainty{};         // as in ListedGuest
    RunState state = RunState::unknown;
    // When the oldest part of this sample was read. The guest may have begun to migrate since.
    std::chrono::steady_clock::time_point read_at{};
    bool job_known = true;  // as in ListedGuest
    // Why vnumad does nothing to the guest, such as "its process has ended": its run state, or what
    // could not be read. Empty if vnumad may act.
    std::string unsteady;
    // What of its description or its memory was not understood, as whole sentences: all else of the
    // guest is served.
    std::vector<std::string> problems;
    std::string immovable;                   // why its memory cannot be moved; empty if it can
    std::int64_t pinned_bytes = 0;           // VmPin: held by RDMA, io_uring, mediated VFIO, ...
    std::shared_ptr<const Process> process;  // null if it was not found
    std::string executable;                  // path; empty if it cannot be read
    std::shared_ptr<const Domain> domain;    // null if the description cannot be used
    std::vector<int> memory_nodes;  // nodes of the process' cpuset, by the kernel's numbers, sorted
    std::vector<CellSample> cells;  // in the order of Domain::cells
    const char* map_source = "size";  // how the RAM blocks were found: RamMap::source
    ResidencySource residency;
    std::vector<ThreadSample> emulator, iothreads, vhost;  // threads that are not vCPUs
    std::vector<ThreadSample> helpers;   // threads of programs that serve it: virtiofsd, swtpm, ...
    std::vector<ProcessTime> processes;  // QEMU and all others that work for the guest
    std::vector<HostDevice> devices;     // sorted by address
    bool uses_vhost = false;             // it has a vhost device open
    TrackingSample tracking;             // as constructed if nothing is tracked
};

// Records why vnumad does nothing to the guest. The first reason stays; an empty one is ignored.
inline void mark_unsteady(GuestSample& sample, const std::string& why) {
    if (sample.unsteady.empty()) sample.unsteady = why;
}

// Sampler::sample() returns it complete, and nothing changes it afterwards.
struct Sample {
    std::chrono::steady_clock::time_point time;      // just before the guests were read
    std::chrono::microseconds cpu_time{0};           // CPU time of vnumad for listing and reading
    std::chrono::microseconds tracking_cpu_time{0};  // CPU time of vnumad for tracking
    std::vector<GuestSample> guests;                 // sorted by uuid
    std::string pagemap_problem;  // why pages are not read from pagemap although that is wanted
    TrackingAbilities tracking;
};

}  // namespace vnuma
