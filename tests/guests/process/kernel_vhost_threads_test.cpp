#include "guests/process/kernel_vhost_threads.hpp"

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

}  // namespace
}  // namespace vnuma
