#include "src/seccomp_filter.hpp"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <future>
#include <thread>

#include "tests/child.hpp"

namespace vnuma {
namespace {

using test::expect_in_child;

void confine() {
    refuse_other_calls(allowed_calls(Config(), static_cast<std::uint32_t>(::getpid())));
}

template <typename... Arguments>
bool is_refused(long number, Arguments... arguments) {
    errno = 0;
    return ::syscall(number, arguments...) == -1 && errno == EPERM;
}

bool is_allowed(const std::vector<AllowedCall>& calls, long number) {
    return std::any_of(calls.begin(), calls.end(),
                       [&](const AllowedCall& call) { return call.number == number; });
}

std::vector<AllowedCall> allowed_in(const std::string& config) {
    return allowed_calls(parse_config(config, "test"), 1);
}

TEST(AllowedCalls, NoConfigurationRunsProgramsOrChangesTheHost) {
    for (const char* config :
         {"", "mode = \"observe\"", "source = \"qmp\"\nqmp_dir = \"/run/qmp\"",
          "memory.pagemap = true\ntracking.heat = \"idle-page\"", "tracking.heat = \"soft-dirty\""})
        for (const long number : {SYS_execve,
                                  SYS_execveat,
                                  SYS_fork,
                                  SYS_vfork,
                                  SYS_ptrace,
                                  SYS_process_vm_readv,
                                  SYS_process_vm_writev,
                                  SYS_mount,
                                  SYS_pivot_root,
                                  SYS_chroot,
                                  SYS_init_module,
                                  SYS_finit_module,
                                  SYS_delete_module,
                                  SYS_kexec_load,
                                  SYS_kexec_file_load,
                                  SYS_reboot,
                                  SYS_unshare,
                                  SYS_setns,
                                  SYS_kill,
                                  SYS_pidfd_send_signal,
                                  SYS_pidfd_getfd,
                                  SYS_perf_event_open,
                                  SYS_migrate_pages,
                                  SYS_setuid,
                                  SYS_capset,
                                  SYS_keyctl,
                                  SYS_io_uring_setup,
                                  SYS_listen,
                                  SYS_sethostname,
                                  SYS_settimeofday})
            EXPECT_FALSE(is_allowed(allowed_in(config), number))
                << call_name(static_cast<int>(number));
}

TEST(AllowedCalls, OnlyWhoActsPins) {
    EXPECT_TRUE(is_allowed(allowed_in("mode = \"act\""), SYS_sched_setaffinity));
    EXPECT_FALSE(is_allowed(allowed_in("mode = \"advise\""), SYS_sched_setaffinity));
}

TEST(AllowedCalls, OnlyWhoCountsFaultsUsesBpf) {
    EXPECT_TRUE(is_allowed(allowed_in(""), SYS_bpf));
    EXPECT_FALSE(is_allowed(allowed_in("mode = \"advise\""), SYS_bpf));
    EXPECT_FALSE(is_allowed(allowed_in("tracking.attribution = \"never\""), SYS_bpf));
}

// libbpf attaches the program that reads KVM to an iterator over tasks, and reads that.
TEST(AllowedCalls, WhoReadsKvmByBpfAttachesAnIterator) {
    const std::vector<AllowedCall> calls = allowed_in("");
    for (const std::uint64_t command : {BPF_PROG_LOAD, BPF_LINK_CREATE, BPF_ITER_CREATE})
        EXPECT_TRUE(std::any_of(calls.begin(), calls.end(),
                                [&](const AllowedCall& call) {
                                    return call.number == SYS_bpf &&
                                           call.arguments.at(0).value == command;
                                }))
            << "BPF command " << command;
}

TEST(AllowedCalls, OnlyWhoUsesDamonChangesPriorities) {
    EXPECT_TRUE(is_allowed(allowed_in(""), SYS_setpriority));
    EXPECT_FALSE(is_allowed(allowed_in("tracking.heat = \"none\""), SYS_setpriority));
}

TEST(RefuseOtherCalls, RefusesACallThatIsNotListed) {
    expect_in_child([] {
        confine();
        return is_refused(SYS_ptrace, PTRACE_TRACEME, 0, nullptr, nullptr) &&
               is_refused(SYS_chroot, "/") && is_refused(SYS_kill, ::getppid(), 0);
    });
}

TEST(RefuseOtherCalls, RefusesToForkAndToRunPrograms) {
    expect_in_child([] {
        confine();
        char* const none[] = {nullptr};
        return is_refused(SYS_execve, "/bin/true", none, none) && ::fork() == -1 && errno == EPERM;
    });
}

TEST(RefuseOtherCalls, AllowsConnectionsWithinTheHostOnly) {
    expect_in_child([] {
        confine();
        return is_refused(SYS_socket, AF_INET, SOCK_STREAM, 0) &&
               is_refused(SYS_socket, AF_NETLINK, SOCK_RAW, 0) &&
               ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
    });
}

TEST(RefuseOtherCalls, LooksAtArguments) {
    expect_in_child([] {
        confine();
        constexpr int bpf_obj_pin = 6, tiocsti = 0x5412;
        return is_refused(SYS_bpf, bpf_obj_pin, nullptr, 0) &&
               is_refused(SYS_ioctl, 0, tiocsti, "") &&
               is_refused(SYS_tgkill, ::getppid(), ::getppid(), 0) &&
               ::syscall(SYS_tgkill, ::getpid(), ::gettid(), 0) == 0;
    });
}

TEST(RefuseOtherCalls, HoldsForThreadsThatAreThereAndForThoseThatCome) {
    expect_in_child([] {
        std::promise<void> confined;
        std::future<bool> early = std::async(std::launch::async, [&] {
            confined.get_future().wait();
            return is_refused(SYS_chroot, "/");
        });
        confine();
        confined.set_value();
        return early.get() &&
               std::async(std::launch::async, [] { return is_refused(SYS_chroot, "/"); }).get();
    });
}

TEST(RefuseOtherCalls, LetsAbortEndTheProcess) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        confine();
        std::abort();
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGABRT);
}

TEST(CallName, IsThatOfTheManual) {
    EXPECT_EQ(call_name(SYS_move_pages), "move_pages");
    EXPECT_EQ(call_name(100'000), "system call 100000");
}

}  // namespace
}  // namespace vnuma
