// The host vnumad runs on: its nodes, their CPUs, distances and memory, from sysfs.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "policy/model/snapshot.hpp"

namespace vnuma {

inline constexpr const char* sysfs_root = "/sys/devices/system";

// This machine does not say what is needed; what() names the file.
struct HostError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Host {
    Topology topology;
    std::vector<std::vector<int>> cpus;  // online CPUs by NodeIndex

    std::optional<NodeIndex> index_of(int node_id) const;
    std::optional<NodeIndex> node_of_cpu(int cpu) const;
};

// Throws HostError.
Host read_host(const std::string& root = sysfs_root);

// Bytes of a node that are free, or free for the asking without swapping: MemFree and the clean
// part of the page cache that is not in use. Throws HostError.
Bytes read_available(int node_id, const std::string& root = sysfs_root);

// Free bytes of each of a node's pools of huge pages, by page size. Throws HostError.
std::map<Bytes, Bytes> read_huge_available(int node_id, const std::string& root = sysfs_root);

// All pages of them.
Bytes read_huge_total(int node_id, const std::string& root = sysfs_root);

// What changes of a host.
struct HostReading {
    Topology topology;                            // with each node's memory as it is now
    std::vector<std::chrono::milliseconds> busy;  // CPU time used since boot, by NodeIndex
};

// Throws HostError.
HostReading read_host_state(const Host& host, const std::string& root = sysfs_root,
                            const std::string& stat_file = "/proc/stat");

}  // namespace vnuma
