// CPU time consumed so far, to measure what a piece of work costs.
#pragma once

#include <time.h>

#include <chrono>

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

// CPU time of the calling thread.
inline std::chrono::nanoseconds thread_cpu_time() {
    return read_cpu_time(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace vnuma
