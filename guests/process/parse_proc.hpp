// Parsers for files of /proc/PID. Pure, and nothing is thrown: where the kernel's format is
// violated, a parser of one record returns std::nullopt, and a parser of many lines skips the line.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "guests/model/ram.hpp"

namespace vnuma {

// The number of a process, as its directory in /proc and the lines of cgroup.procs have it.
std::optional<pid_t> parse_pid(std::string_view text);

// /proc/PID/stat and /proc/PID/task/TID/stat; see proc(5).
struct TaskStat {
    int pid = 0;
    std::string name;  // up to 15 bytes that the task has set; any bytes but 0
    char state = '?';
    std::uint64_t start_time = 0;  // clock ticks since boot; with the pid it identifies the task
    int last_cpu = -1;             // the CPU it ran on last; -1 if not known
};
std::optional<TaskStat> parse_stat(std::string_view text);

// /proc/PID/schedstat; both times since the task's start.
struct SchedStat {
    std::uint64_t run_ns = 0;
    std::uint64_t wait_ns = 0;  // runnable, but waiting for a CPU
};
std::optional<SchedStat> parse_schedstat(std::string_view text);

// The pages of a process that are in memory, in /proc/PID/statm.
std::optional<std::int64_t> parse_resident_pages(std::string_view statm);

// The value of one field of /proc/PID/status, such as "Mems_allowed_list", without the white space
// around it. It points into the text.
std::optional<std::string_view> find_status_field(std::string_view text, std::string_view name);

// The effective user in /proc/PID/status.
std::optional<uid_t> parse_effective_user(std::string_view status);

// A line of /proc/PID/net/unix: a socket that is bound to a file, or connected to one that is.
struct UnixSocket {
    std::uint64_t inode = 0;  // as in the link "socket:[INODE]" of /proc/PID/fd
    std::string path;         // of the file, as it was given to bind(2)
};
// Those of these inodes whose file has this name.
std::vector<UnixSocket> parse_unix_sockets(std::string_view text, std::string_view name,
                                           const std::set<std::uint64_t>& inodes);
// Those that are bound to one of these paths, or connected to a socket that is.
std::vector<UnixSocket> parse_unix_sockets(std::string_view text,
                                           const std::set<std::string_view>& paths);

// Whether a connection to a socket whose file has this name waits for the server to accept it
// (SS_CONNECTING in unix_seq_show() of net/unix/af_unix.c).
bool has_pending_connection(std::string_view text, std::string_view name);

// /proc/PID/task/TID/children: the first `limit` process ids.
std::vector<pid_t> parse_children(std::string_view text, std::size_t limit);

// A line of /proc/PID/maps.
struct Mapping {
    std::uint64_t start = 0, end = 0;  // `end` is the first byte after the mapping
    bool writable = false;
    bool shared = false;
    std::string path;  // empty for anonymous memory
    MappedFile file{};
};
std::vector<Mapping> parse_maps(std::string_view text);

// Limit of a mapping's bytes on one node, and of its page size: 1 PiB. No host has more, so a
// larger number is cut to it, and sums of all mappings stay within 64 bits.
inline constexpr std::uint64_t max_mapped_bytes = std::uint64_t{1} << 50;

// A line of /proc/PID/numa_maps; see numa(7).
struct NumaMapping {
    std::uint64_t start = 0;
    std::string policy;                  // "default", "bind:0", "prefer:1", ...
    std::map<int, std::uint64_t> bytes;  // resident bytes by the kernel's node number
    std::uint64_t page_bytes = 4096;
};
std::vector<NumaMapping> parse_numa_maps(std::string_view text);

// The cgroup in /proc/PID/cgroup that holds the task's cpuset: that of cgroup v1's cpuset
// controller if it is mounted, otherwise that of the unified hierarchy.
struct Cgroup {
    std::string path;  // relative to the root of its hierarchy: "/machine.slice/..."
    bool unified = true;
};
std::optional<Cgroup> parse_cgroup(std::string_view text);

}  // namespace vnuma
