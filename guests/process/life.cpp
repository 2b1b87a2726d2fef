#include "guests/process/life.hpp"

#include <sched.h>

#include <cerrno>
#include <string>

#include "guests/process/files.hpp"
#include "guests/process/parse_proc.hpp"

namespace vnuma {

// That nobody has the number shows without a descriptor, too.
int find_life(pid_t task, std::uint64_t start_time) {
    if (::sched_getscheduler(task) < 0 && errno == ESRCH) return ESRCH;
    const auto text = read_small_file("/proc/" + std::to_string(task) + "/stat");
    if (!text) return errno == ENOENT ? ESRCH : errno;
    const auto stat = parse_stat(*text);
    return stat && stat->start_time == start_time ? 0 : ESRCH;
}

}  // namespace vnuma
