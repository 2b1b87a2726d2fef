#include "src/seccomp_filter.hpp"

#include <linux/bpf.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace vnuma {
namespace {

// What scenarios in the lab make vnumad call: each fails when a call is missing, and names it, and
// all of them together fail when they do not make one of these (tests/summary.py).
constexpr std::array calls_made_in_the_lab{
    // Memory and threads. A clone3 that forks looks like any other, since its flags are in memory;
    // what is forked has this filter too.
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_clone3,
    SYS_set_robust_list, SYS_rseq, SYS_futex, SYS_exit, SYS_exit_group, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sched_getscheduler,
    // Signals.
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
    // Time.
    SYS_clock_gettime, SYS_clock_getres,
    // What this process is.
    SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_uname,
    SYS_getrusage, SYS_getrandom, SYS_capget,
    // Files.
    SYS_openat, SYS_close, SYS_read, SYS_pread64, SYS_write, SYS_lseek, SYS_newfstatat, SYS_access,
    SYS_faccessat2, SYS_readlink, SYS_readlinkat, SYS_getdents64, SYS_fcntl, SYS_flock, SYS_fstatfs,
    SYS_statfs,
    // Files of its own: the journal, hands-off guests, freeze, the recording.
    SYS_mkdir, SYS_rename, SYS_unlink, SYS_ftruncate, SYS_fsync, SYS_fdatasync, SYS_pwrite64,
    SYS_fchown,
    // Waiting.
    SYS_poll, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait, SYS_eventfd2, SYS_timerfd_create,
    SYS_timerfd_settime, SYS_pipe2,
    // Connections to libvirt and to monitors, and those of vnumad's own clients.
    SYS_connect, SYS_accept4, SYS_getsockopt, SYS_getsockname, SYS_sendto, SYS_recvfrom,
    // Guests: which process, and where its memory is. move_pages asks as well as moves.
    SYS_pidfd_open, SYS_move_pages, SYS_get_mempolicy};

// What none of its scenarios makes vnumad call, or only some of suite `long` do. None of it does
// what the calls above do not.
constexpr std::array calls_of_other_hosts{
    // Other versions of libc and of libraries call these instead of their relatives above.
    SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getcpu, SYS_fstat, SYS_statx,
    SYS_faccessat, SYS_readv, SYS_writev, SYS_ppoll, SYS_epoll_pwait,
    // systemd is told by one message that vnumad is ready; Asio reads and writes several buffers.
    SYS_sendmsg, SYS_recvmsg,
    // A monitor that nothing can be written to, and a recording that others may read.
    SYS_shutdown, SYS_fchmod,
    // A file that the command line of a guest in a container names.
    SYS_openat2,
    // libc asks how much memory there is before it sorts what is large.
    SYS_sysinfo,
    // What a SIGSTOP has interrupted goes on by this one.
    SYS_restart_syscall};

// What libbpf uses to load and attach the programs that count faults and read KVM, and to read
// their maps and their output. The kernel's verifier and CAP_BPF without CAP_SYS_ADMIN limit what a
// program may do.
constexpr std::array bpf_commands{BPF_MAP_CREATE,
                                  BPF_MAP_LOOKUP_ELEM,
                                  BPF_MAP_UPDATE_ELEM,
                                  BPF_MAP_DELETE_ELEM,
                                  BPF_MAP_GET_NEXT_KEY,
                                  BPF_MAP_FREEZE,
                                  BPF_MAP_LOOKUP_AND_DELETE_BATCH,
                                  BPF_PROG_LOAD,
                                  BPF_PROG_BIND_MAP,
                                  BPF_RAW_TRACEPOINT_OPEN,
                                  BPF_LINK_CREATE,
                                  BPF_ITER_CREATE,
                                  BPF_BTF_LOAD,
                                  BPF_OBJ_GET_INFO_BY_FD};

bool may_use_damon(const TrackingSettings& tracking) {
    return tracking.heat == HeatChoice::automatic || tracking.heat == HeatChoice::damon;
}

struct Free {
    void operator()(char* text) const { std::free(text); }
};

struct FilterDeleter {
    void operator()(void* filter) const { ::seccomp_release(filter); }
};

void check(int result, const std::string& what) {
    if (result != 0)
        throw std::runtime_error("the seccomp filter cannot be installed: " + what + ": " +
                                 std::generic_category().message(-result) +
                                 " (seccomp = false does without)");
}

void add(scmp_filter_ctx filter, const AllowedCall& call) {
    std::vector<scmp_arg_cmp> arguments;
    for (const CallArgument& argument : call.arguments)
        arguments.push_back({argument.index, SCMP_CMP_MASKED_EQ, argument.mask, argument.value});
    check(::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call.number,
                                   static_cast<unsigned>(arguments.size()), arguments.data()),
          call_name(call.number));
}

}  // namespace

std::vector<AllowedCall> allowed_calls(const Config& config, std::uint32_t own_pid) {
    constexpr std::uint64_t word = 0xffff'ffff;  // of an argument of 32 bits
    std::vector<AllowedCall> calls;
    calls.reserve(calls_made_in_the_lab.size() + calls_of_other_hosts.size());
    for (const int number : calls_made_in_the_lab)
        calls.push_back({number});
    for (const int number : calls_of_other_hosts)
        calls.push_back({number});
    calls.push_back({SYS_clone, {{0, CLONE_THREAD, CLONE_THREAD}}});
    calls.push_back({SYS_tgkill, {{0, own_pid, word}}});       // abort()
    calls.push_back({SYS_prlimit64, {{0, 0, word}, {2, 0}}});  // reads limits of its own
    calls.push_back({SYS_prctl, {{0, PR_SET_NAME, word}}});
    calls.push_back({SYS_socket, {{0, AF_UNIX, word}}});
    calls.push_back({SYS_socketpair, {{0, AF_UNIX, word}}});
    for (const std::uint64_t request : {FIONBIO, FIONREAD, TCGETS})
        calls.push_back({SYS_ioctl, {{1, request, word}}});
    const TrackingSettings tracking = tracking_settings(config);
    // Asio's way to accept connections; the control socket has its own.
    if (!config.metrics_listen.empty()) calls.push_back({SYS_accept});
    if (config.mode == Mode::act) calls.push_back({SYS_sched_setaffinity});
    if (may_use_damon(tracking)) calls.push_back({SYS_setpriority});
    if (tracking.attribution && tracking.may_disturb) {
        for (const std::uint64_t command : bpf_commands)
            calls.push_back({SYS_bpf, {{0, command, word}}});
        // libbpf raises the limit where it cannot find out that the kernel does without.
        calls.push_back({SYS_prlimit64, {{0, 0, word}, {1, RLIMIT_MEMLOCK, word}}});
    }
    return calls;
}

std::string call_name(int number) {
    const std::unique_ptr<char, Free> name(
        ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number));
    return name ? name.get() : "system call " + std::to_string(number);
}

void refuse_other_calls(const std::vector<AllowedCall>& allowed) {
    const std::unique_ptr<void, FilterDeleter> filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) check(-ENOMEM, "seccomp_init");
    check(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1), "filtering all threads");
    check(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_LOG, 1), "logging what is refused");
    // A binary tree: a call is looked up in a dozen steps.
    check(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "sorting calls");
    for (const AllowedCall& call : allowed)
        add(filter.get(), call);
    check(::seccomp_load(filter.get()), "seccomp");
}

}  // namespace vnuma
