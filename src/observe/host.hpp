// The host that vnumad runs on: its nodes, their CPUs, distances and memory, read from sysfs.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma {

inline constexpr const char* sysfs_root = "/sys/devices/system";

// The kernel does not tell what is needed; what() names the file.
struct HostError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What rarely changes. A node keeps its index for as long as vnumad runs, whether it is online or
// not: homes refer to nodes by their index.
struct Host {
    Topology topology;                   // without memory: see HostReading
    std::vector<std::vector<int>> cpus;  // online CPUs, sorted, by NodeIndex; empty while offline
    // Whether the kernel forgets affinities when a cpuset is written, as those before 6.2 do.
    bool forgets_affinities = false;
    // Of online CPUs with SMT siblings, the first online sibling, which stands for the core. CPUs
    // that are not in it are cores.
    std::map<int, int> first_sibling{};
    // CPUs that the scheduler moves no thread to or from by itself (isolcpus=, isolated cpusets),
    // sorted.
    std::vector<int> isolated{};

    // All online CPUs, sorted.
    std::vector<int> online() const;
    // Of the CPUs that a thread may use, sorted, those that the scheduler spreads it over: the
    // isolated ones only if it may use no others. Then it stays where it first ran.
    std::vector<int> schedulable(const std::vector<int>& cpus) const;
    std::optional<NodeIndex> index_of(int node_id) const;
    std::optional<NodeIndex> node_of_cpu(int cpu) const;

    friend bool operator==(const Host&, const Host&) = default;
};

// Whether a kernel of this release ("6.1.0-28-amd64") forgets affinities when a cpuset is written.
// Since 6.2 (commit 8f9ea86fdf99) it remembers them. A release that cannot be read counts as old.
bool forgets_affinities(const std::string& kernel_release);

// All nodes that are online. Throws HostError.
Host read_host(const std::string& root = sysfs_root);

// The host after nodes or CPUs have gone offline or come online: nodes of `before` that are offline
// stay, without CPUs, and new nodes come last. Reads three small files and one for each node when
// nothing has changed. Throws HostError.
Host follow_host(const Host& before, const std::string& root = sysfs_root);

// What changes all the time.
struct HostReading {
    Topology topology;  // with memory; a node that is offline has neither CPUs nor memory
    std::vector<std::chrono::milliseconds> busy;  // CPU time used since boot, by NodeIndex
    std::vector<std::vector<int>> cpus{};         // those that `busy` counts: Host::cpus
};

// Throws HostError.
HostReading read_host_state(const Host& host, const std::string& root = sysfs_root,
                            const std::string& stat_file = "/proc/stat");

// Bytes of a node that are free, or that the kernel frees without swapping: MemFree and the clean
// part of the inactive page cache. Throws HostError.
Bytes read_available(int node_id, const std::string& root = sysfs_root);

}  // namespace vnuma
