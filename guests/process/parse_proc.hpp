// Parsers for what /proc tells of a process. Pure: text in, values out, nothing thrown; text that
// is not what the kernel writes gives std::nullopt or is passed over line by line.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma {

struct TaskStat {
    int pid = 0;
    std::string name;  // up to 15 bytes, as the task has named itself
    char state = '?';
    std::uint64_t start_time = 0;  // clock ticks since boot: with the id, the task's identity
    int last_cpu = -1;
};
// /proc/PID/stat. The name in it may hold spaces and parentheses.
std::optional<TaskStat> parse_stat(std::string_view text);

struct SchedStat {
    std::uint64_t run_ns = 0;
    std::uint64_t wait_ns = 0;  // ready to run, but no CPU to run on
};
std::optional<SchedStat> parse_schedstat(std::string_view text);

// One field of /proc/PID/status, e.g. "Mems_allowed_list".
std::optional<std::string_view> find_status_field(std::string_view text, std::string_view name);

struct Mapping {
    std::uint64_t start = 0, end = 0;
    bool writable = false;
    bool shared = false;
    std::string path;  // empty for anonymous memory
};
std::vector<Mapping> parse_maps(std::string_view text);

// More than any node or page has: what is told beyond that is cut, and sums of it stay far inside
// 64 bits.
inline constexpr std::uint64_t max_mapped_bytes = std::uint64_t{1} << 50;

struct NumaMapping {
    std::uint64_t start = 0;
    std::string policy;                  // "default", "bind:0", "prefer:1", ...
    std::map<int, std::uint64_t> bytes;  // by the kernel's node number
    std::uint64_t page_bytes = 4096;
};
std::vector<NumaMapping> parse_numa_maps(std::string_view text);

// The cgroup of /proc/TASK/cgroup that holds its cpuset: the unified hierarchy's, or cgroup v1's.
struct Cgroup {
    std::string path;  // "/machine.slice/...", below the hierarchy's root
    bool unified = true;
};
std::optional<Cgroup> parse_cgroup(std::string_view text);

// What a guest's threads are, by the names QEMU gives them when libvirt has it name them.
enum class Role { vcpu, emulator, iothread, vhost };
Role role_of(std::string_view name);

// The vCPU a thread runs by its name "CPU 3/KVM", which libvirt has QEMU set.
std::optional<int> parse_vcpu_name(std::string_view name);

}  // namespace vnuma
