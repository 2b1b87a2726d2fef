#include "guests/bpf/loading.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace vnuma {
namespace {

// Inode of the initial PID namespace (PROC_PID_INIT_INO).
constexpr ino_t initial_pid_namespace = 0xEFFFFFFC;

}  // namespace

std::string why_other_pid_namespace() {
    struct stat found {};
    if (::stat("/proc/self/ns/pid", &found) == 0 && found.st_ino != initial_pid_namespace)
        return "vnumad runs in a PID namespace of its own, but the kernel counts by PIDs of the "
               "host";
    return {};
}

// libbpf's own messages about a missing permission (EPERM) would mislead. EACCES means that the
// kernel's verifier has rejected the program.
std::string describe_failure(const char* call, int error, const BpfLog& log) {
    const std::string text = call + std::string(": ") + std::strerror(error);
    if (error == EPERM) return "CAP_BPF and CAP_PERFMON are needed (" + text + ")";
    return log.text().empty() ? text : text + " (" + log.text() + ")";
}

}  // namespace vnuma
