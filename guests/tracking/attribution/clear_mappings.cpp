#include "guests/tracking/attribution/clear_mappings.hpp"

#include <cerrno>
#include <cstring>

#include "guests/process/cpu_time.hpp"

namespace vnuma {

ClearedMappings clear_mappings(const Process& process) {
    ClearedMappings cleared;
    const std::chrono::nanoseconds cpu = thread_cpu_time();
    const auto begin = std::chrono::steady_clock::now();
    // Soft-dirty tracking (Documentation/admin-guide/mm/soft-dirty.rst). To see the next write to
    // each page the kernel notifies KVM, which then unmaps the whole range: reads fault, too.
    if (!process.alive()) {
        cleared.error = "the guest's process has ended";
    } else if (!process.write("clear_refs", "4")) {
        const char* why = std::strerror(errno);
        cleared.error =
            "/proc/" + std::to_string(process.pid()) + "/clear_refs cannot be written: " + why;
    }
    cleared.stall = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - begin);
    cleared.cpu_time = thread_cpu_time() - cpu;
    return cleared;
}

}  // namespace vnuma
