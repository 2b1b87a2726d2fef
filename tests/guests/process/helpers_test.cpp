#include "guests/process/helpers.hpp"

#include <unistd.h>

#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

constexpr pid_t qemu = 100;

std::vector<pid_t> find(const test::TemporaryDirectory& files, const std::string& cgroup) {
    return find_helpers(qemu, cgroup, files.path("cgroup"));
}

TEST(Helpers, AreTheOtherProcessesInTheGuestsGroup) {
    const test::TemporaryDirectory files;
    files.write("cgroup/machine/qemu-1-a/libvirt/cgroup.procs", "90\n100\n110\n");
    EXPECT_EQ(find(files, "0::/machine/qemu-1-a/libvirt/emulator\n"),
              (std::vector<pid_t>{90, 110}));
    EXPECT_TRUE(find(files, "0::/machine/qemu-2-b/libvirt/emulator\n").empty());
}

TEST(Helpers, AreThoseOfTheCpusetGroupWithCgroupV1) {
    const test::TemporaryDirectory files;
    files.write("cgroup/cpuset/machine/qemu-1-a/emulator/cgroup.procs", "100\n110\n");
    EXPECT_EQ(find(files, "5:cpuset:/machine/qemu-1-a/emulator\n0::/\n"), std::vector<pid_t>{110});
}

// Other processes share such a group, and nothing says for whom they work.
TEST(Helpers, AreUnknownInAGroupThatIsNotTheGuestsOwn) {
    const test::TemporaryDirectory files;
    files.write("cgroup/system.slice/cgroup.procs", "100\n110\n");
    files.write("cgroup/cgroup.procs", "100\n110\n");
    EXPECT_TRUE(find(files, "0::/system.slice\n").empty());
    EXPECT_TRUE(find(files, "0::/\n").empty());
    EXPECT_TRUE(find(files, "").empty());
}

TEST(Helpers, AreReadUpToALimit) {
    const test::TemporaryDirectory files;
    std::string many;
    for (int pid = 1000; pid < 2000; ++pid)
        many += std::to_string(pid) + "\n";
    files.write("cgroup/a/cgroup.procs", many + "x");
    EXPECT_EQ(find(files, "0::/a/emulator\n").size(), max_helpers);
}

TEST(CpuTimes, AreThoseOfTheWholeProcess) {
    GuestSample sample;
    const auto self = Process::open(::getpid());
    add_cpu_time(*self, sample);
    ASSERT_EQ(sample.processes.size(), 1U);
    EXPECT_EQ(sample.processes[0].start_time, self->start_time());
    EXPECT_GT(sample.processes[0].run_ns, 0U);
}

}  // namespace
}  // namespace vnuma
