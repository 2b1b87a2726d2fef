// The few file and process readings that the lab's own eyes need. They are written apart from
// vnumad's on purpose: what a test checks must not be computed by what it tests.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vnuma::lab {

std::string read_text(const std::string& file);                     // empty when it cannot be read
void write_text(const std::string& file, const std::string& text);  // throws std::system_error

std::vector<int> node_cpus(int node);
std::vector<int> online_nodes();

std::vector<pid_t> tasks_of(pid_t pid);
std::vector<int> affinity_of(pid_t task);                     // CPU ids
void set_affinity(pid_t task, const std::vector<int>& cpus);  // errors are the task's end: ignored

// 2 MiB pages of a node's pool. The kernel may give fewer than asked for: throws
// std::runtime_error.
void set_huge_pages(int node, int count);

// "CPU N/KVM" threads by vCPU id.
std::map<int, pid_t> vcpu_threads(pid_t pid);

struct Mapping {
    std::uint64_t start = 0, size = 0;
    std::map<int, std::uint64_t> bytes;  // by node
};

// Writable mappings of at least `min_bytes`, largest first, with the bytes each has on each node.
std::vector<Mapping> large_mappings(pid_t pid, std::uint64_t min_bytes);

}  // namespace vnuma::lab
