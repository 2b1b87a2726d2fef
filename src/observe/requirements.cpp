#include "src/observe/requirements.hpp"

#include <numaif.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "guests/process/file_descriptor.hpp"
#include "guests/process/files.hpp"

namespace vnuma {
namespace {

bool have_pidfd() {
    const FileDescriptor fd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    return static_cast<bool>(fd);
}

bool have_move_pages() {
    int page = 0;
    void* address = &page;
    int status = 0;
    return ::move_pages(0, 1, &address, nullptr, &status, 0) == 0;
}

}  // namespace

Abilities probe_abilities() {
    return {have_pidfd(), have_move_pages(), read_small_file("/proc/self/schedstat").has_value(),
            held_capabilities()};
}

std::vector<std::string> missing_abilities(const Abilities& found,
                                           const std::vector<CapabilityUse>& uses) {
    std::vector<std::string> missing;
    if (!found.pidfd) missing.emplace_back("this kernel has no pidfd_open (Linux 5.3 or later)");
    if (!found.move_pages)
        missing.emplace_back("this kernel has no move_pages (CONFIG_NUMA and CONFIG_MIGRATION)");
    if (!found.schedstat)
        missing.emplace_back("this kernel has no /proc/PID/schedstat (CONFIG_SCHED_INFO)");
    for (const CapabilityUse& use : uses)
        if (use.required && std::find(found.capabilities.begin(), found.capabilities.end(),
                                      use.capability) == found.capabilities.end())
            missing.push_back(capability_name(use.capability) + " is missing: " + use.without +
                              "; run as root or with this capability");
    return missing;
}

}  // namespace vnuma
