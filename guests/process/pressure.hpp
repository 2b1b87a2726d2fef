// What the kernel tells of tasks that cannot go on (pressure stall information, PSI;
// Documentation/accounting/psi.rst of Linux).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guests/process/process.hpp"

namespace vnuma {

// The line "some" of a pressure file.
struct Pressure {
    // Shares of the last 10 s and of the last minute in which some task could not go on,
    // thousandths.
    std::int64_t last_10_s = 0, last_minute = 0;
    std::chrono::microseconds total{0};  // of such time
};

// Nothing where the format is violated. Pure.
std::optional<Pressure> parse_pressure(std::string_view text);

// How long a vCPU has not gone on because of a page that it accesses: it was on its way to another
// node, had to be read from disk, or the kernel had to make room for it. Only libvirt gives each
// vCPU a cgroup of its own, of which the kernel tells that. It counts tasks that sleep until a page
// has been moved as waiting for disks (migration_entry_wait_on_locked() in mm/filemap.c); a vCPU
// waits for no disk otherwise, since other threads of QEMU read and write the guest's.
//
// The sum of the cgroup's io.pressure and memory.pressure. Nothing where the thread has no cgroup
// of its own, or the kernel does not tell (before Linux 5.2, without CONFIG_PSI, or with psi=0).
std::optional<Pressure> read_stalls(const Process& process, pid_t vcpu_thread,
                                    const std::string& cgroup_root = "/sys/fs/cgroup");

}  // namespace vnuma
