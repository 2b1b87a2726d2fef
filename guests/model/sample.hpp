// What one look at the guests found. Nothing here is judged yet; see derive() for that.
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

struct HostDevice {
    std::string address;      // PCI, "0000:01:00.0"; of a NIC too that it has a macvtap device on
    std::optional<int> node;  // the kernel's number; none when the host does not say
};

struct ThreadSample {
    pid_t thread = 0;
    std::uint64_t start_time = 0;
    int last_cpu = -1;
    std::uint64_t run_ns = 0, wait_ns = 0;
    std::vector<int> affinity;  // CPUs it may run on: its affinity within its cpuset
    std::vector<int> cpuset{};  // of its cgroup; empty when it cannot be told
    std::string name{};
};

struct VcpuSample : ThreadSample {
    int id = 0;
};

// The 2 MiB chunks of a cell, by what is known of them.
struct ChunkCounts {
    std::size_t all = 0;
    std::size_t exact = 0;  // every page was looked at, not one for all
    std::size_t split = 0;  // over more than one node
};

struct CellSample {
    int id = 0;
    std::vector<VcpuSample> vcpus;
    std::vector<RamBlock> blocks;
    Residency residency;
    std::optional<ChunkCounts> chunks;  // none where memory is summed
    std::int64_t size = 0;              // bytes of its own memory and its memory devices
};

inline std::vector<RamRange> host_ranges(const CellSample& cell) {
    std::vector<RamRange> ranges;
    for (const RamBlock& block : cell.blocks)
        ranges.push_back(block.host);
    return ranges;
}

// How the residency of a guest was found.
struct ResidencySource {
    const char* mode = "summed";    // "summed", "full", "incremental" or "sampled"
    const char* way = "numa_maps";  // "numa_maps", "move_pages" or "pagemap"
    std::chrono::steady_clock::time_point time;
};

struct GuestSample {
    std::string uuid;
    std::string name;
    const char* source = "libvirt";  // or "qmp"
    RunState state = RunState::unknown;
    // The oldest reading that this is made of. The guest may have begun to migrate since.
    std::chrono::steady_clock::time_point read_at{};
    // Why nothing is to be done to it: its state, or something that could not be read.
    std::string unsteady;
    std::string immovable;                   // why its memory cannot be moved
    std::shared_ptr<const Process> process;  // none if it could not be found
    std::string executable;
    std::shared_ptr<const Domain> domain;  // none if its description cannot be used
    std::vector<int> memory_nodes;         // its cpuset, by the kernel's numbers
    std::vector<CellSample> cells;
    const char* map_told_by = "size";
    ResidencySource residency;
    std::vector<ThreadSample> emulator, iothreads, vhost;
    std::vector<HostDevice> devices;
    bool uses_vhost = false;
    TrackingSample tracking;
};

struct Sample {
    std::chrono::steady_clock::time_point time;
    std::chrono::microseconds cpu_time{0};           // what the look cost this process
    std::chrono::microseconds tracking_cpu_time{0};  // and what tracking did in it
    std::vector<GuestSample> guests;
    TrackingAbilities tracking;
};

}  // namespace vnuma
