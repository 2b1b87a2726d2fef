// CPU time consumed so far: what a piece of work costs, and what other processes use.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <chrono>
#include <optional>

namespace vnuma {

inline std::chrono::nanoseconds read_cpu_time(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// CPU time of all threads of this process.
inline std::chrono::nanoseconds process_cpu_time() {
    return read_cpu_time(CLOCK_PROCESS_CPUTIME_ID);
}

// CPU time of all threads of another process, also of those that have ended. Nothing if there is no
// such process. Costs one system call.
inline std::optional<std::chrono::nanoseconds> process_cpu_time(pid_t process) {
    clockid_t clock{};
    if (::clock_getcpuclockid(process, &clock) != 0) return std::nullopt;
    return read_cpu_time(clock);
}

// CPU time of the calling thread.
inline std::chrono::nanoseconds thread_cpu_time() {
    return read_cpu_time(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace vnuma
