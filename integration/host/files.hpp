// Readings of files and processes that scenarios check vnumad with. They share no code with vnumad
// on purpose: a test must not compute what it expects with the code it tests.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vnuma::lab {

std::string read_text(const std::string& file);                     // empty if it cannot be read
void write_text(const std::string& file, const std::string& text);  // throws std::system_error

std::vector<int> node_cpus(int node);
std::vector<int> online_nodes();

std::vector<pid_t> tasks_of(pid_t pid);
std::vector<int> affinity_of(pid_t task);                     // CPU ids
void set_affinity(pid_t task, const std::vector<int>& cpus);  // does nothing if the task has ended

// Sets the number of 2 MiB pages in a node's hugetlb pool. Throws std::runtime_error if the kernel
// allocates fewer.
void set_huge_pages(int node, int count);

// The threads that QEMU names "CPU N/KVM", and other VMMs "vcpuN" or, nameless ones, "workerN", by
// vCPU id.
std::map<int, pid_t> vcpu_threads(pid_t pid);

// The thread of a process that has this number in the process's own pid namespace; -1 if there is
// none.
pid_t thread_of(pid_t pid, pid_t number_inside);

struct Mapping {
    std::uint64_t start = 0, size = 0;
    std::map<int, std::uint64_t> bytes;  // by node
};

// Writable mappings of at least `min_bytes`, the largest first.
std::vector<Mapping> large_mappings(pid_t pid, std::uint64_t min_bytes);

}  // namespace vnuma::lab
