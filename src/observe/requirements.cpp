#include "src/observe/requirements.hpp"

#include <cap-ng.h>
#include <numaif.h>
#include <sys/syscall.h>
#include <unistd.h>

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
    ::capng_get_caps_process();
    return {have_pidfd(), have_move_pages(), read_small_file("/proc/self/schedstat").has_value(),
            ::capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_PTRACE) != 0,
            ::capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_NICE) != 0};
}

std::vector<std::string> missing_abilities(const Abilities& found, Mode mode) {
    std::vector<std::string> missing;
    if (!found.pidfd) missing.emplace_back("this kernel has no pidfd_open (Linux 5.3 or later)");
    if (!found.move_pages)
        missing.emplace_back("this kernel has no move_pages (CONFIG_NUMA and CONFIG_MIGRATION)");
    if (!found.schedstat)
        missing.emplace_back("this kernel has no /proc/PID/schedstat (CONFIG_SCHED_INFO)");
    if (!found.sys_ptrace)
        missing.emplace_back(
            "CAP_SYS_PTRACE is missing: guests' memory cannot be seen; run as root");
    if (!found.sys_nice && mode == Mode::act)
        missing.emplace_back(
            "CAP_SYS_NICE is missing: nothing can be pinned or moved; run as root, or with "
            "mode = \"observe\"");
    return missing;
}

}  // namespace vnuma
