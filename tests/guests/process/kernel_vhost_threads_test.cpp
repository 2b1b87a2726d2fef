#include "guests/process/kernel_vhost_threads.hpp"

#include <sched.h>
#include <unistd.h>

#include "guests/process/guest_threads.hpp"
#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

TEST(KernelVhostThreads, AreFoundByTheProcessThatTheyServe) {
    const test::TemporaryDirectory files;
    files.link(test::golden_file("lab/helpers/process/stat"), "proc/2/stat");
    files.write("proc/2/task/2/children", "3 17 4242 4243 ");
    files.write("proc/3/comm", "rcu_gp\n");
    files.write("proc/4242/comm", "vhost-1234\n");
    files.write("proc/4243/comm", "vhost-99x\n");
    const auto kthreadd = Process::open_recorded(files.path("proc/2"));
    ASSERT_TRUE(kthreadd);
    const auto found = find_kernel_vhost_threads(*kthreadd);
    EXPECT_EQ(found, (std::multimap<pid_t, pid_t>{{99, 4243}, {1234, 4242}}));
}

// A process of its own stands for a kernel thread.
TEST(KernelVhostThreads, AreReadAgainWithTheAffinityThatTheyHaveByThen) {
    cpu_set_t before, one;
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    const auto process = Process::open(::getpid());
    auto known = read_thread(*process, ::getpid());
    ASSERT_TRUE(known);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &before))
        ++cpu;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ASSERT_EQ(::sched_setaffinity(::getpid(), sizeof one, &one), 0);
    const auto now = read_again(*known);
    ::sched_setaffinity(::getpid(), sizeof before, &before);
    ASSERT_TRUE(now);
    EXPECT_EQ(now->affinity, std::vector<int>{cpu});
    ++known->start_time;
    EXPECT_FALSE(read_again(*known)) << "another one has its number";
}

}  // namespace
}  // namespace vnuma
