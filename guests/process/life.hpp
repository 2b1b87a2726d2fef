// Whether a process or thread still lives. Its number alone does not tell: another may have it now.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace vnuma {

// 0 if the task with this number and start time (clock ticks since boot) lives, ESRCH if it has
// ended, and otherwise why that cannot be read: EMFILE in a process without a free descriptor.
int find_life(pid_t task, std::uint64_t start_time);

}  // namespace vnuma
