#include "guests/process/guest_threads.hpp"

#include <sched.h>
#include <unistd.h>

#include "guests/model/listed_guest.hpp"
#include "guests/process/process.hpp"
#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

// A source that lists no thread ids, as libvirt.
const ListedGuest without_threads;

TEST(GuestThreads, HaveTheRolesThatTheirNamesSay) {
    const test::RecordedHost host("helpers");
    ThreadReader reader(host.roots().cgroup);
    const GuestThreads threads = reader.read(host.process(), without_threads, true);
    ASSERT_EQ(threads.vcpus.size(), 2U);
    EXPECT_EQ(threads.vcpus[1].id, 1);
    EXPECT_EQ(threads.vcpus[0].name, "CPU 0/KVM");
    EXPECT_GT(threads.vcpus[0].run_ns, 0U);
    EXPECT_GT(threads.vcpus[0].start_time, 0U);
    ASSERT_EQ(threads.iothreads.size(), 1U);
    EXPECT_EQ(threads.iothreads[0].name, "IO iothread1");
    ASSERT_EQ(threads.vhost.size(), 1U);
    EXPECT_EQ(threads.vhost[0].name, "vhost-" + std::to_string(host.pid));
    EXPECT_EQ(threads.emulator.size(), 4U) << "QEMU's main, monitor and helper threads";
}

TEST(GuestThreads, HaveTheCpusetOfTheirCgroup) {
    const test::RecordedHost host("wishes");
    ThreadReader reader(host.roots().cgroup);
    const GuestThreads threads = reader.read(host.process(), without_threads, true);
    ASSERT_EQ(threads.vcpus.size(), 2U);
    EXPECT_EQ(threads.vcpus[0].affinity, (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(threads.vcpus[0].cpuset, (std::vector<int>{0, 1, 2}));
}

TEST(ReadCpuset, IsThatOfTheNextGroupThatHasOne) {
    const test::TemporaryDirectory root;
    EXPECT_TRUE(read_cpuset("0::/pod/container/vm\n", root.path()).empty());
    root.write("cpuset.cpus.effective", "0-15\n");
    EXPECT_EQ(read_cpuset("0::/vm\n", root.path()).size(), 16U);
    root.write("pod/container/cpuset.cpus.effective", "4-5\n");
    EXPECT_EQ(read_cpuset("0::/pod/container/vm\n", root.path()), (std::vector<int>{4, 5}))
        << "the controller is delegated to the container and goes no further";
    root.write("cpuset/pod/cpuset.effective_cpus", "6\n");
    EXPECT_EQ(read_cpuset("4:cpuset:/pod/container\n0::/pod/container\n", root.path()),
              std::vector<int>{6})
        << "cgroup v1";
}

TEST(GuestThreads, HaveTheRolesThatQemuListsWhateverTheirNames) {
    const test::RecordedHost host("helpers");
    ThreadReader reader(host.roots().cgroup);
    const GuestThreads named = reader.read(host.process(), without_threads, true);
    ListedGuest listed;
    listed.vcpu_threads = {{0, named.vcpus[1].thread}, {1, named.emulator[0].thread}};
    listed.iothreads = {{"IO a", named.vcpus[0].thread}};
    ThreadReader second_reader(host.roots().cgroup);
    const GuestThreads by_id = second_reader.read(host.process(), listed, true);
    ASSERT_EQ(by_id.vcpus.size(), 2U);
    EXPECT_EQ(by_id.vcpus[0].thread, named.vcpus[1].thread);
    EXPECT_EQ(by_id.vcpus[1].thread, named.emulator[0].thread);
    ASSERT_EQ(by_id.iothreads.size(), 1U);
    EXPECT_EQ(by_id.iothreads[0].thread, named.vcpus[0].thread);
    EXPECT_EQ(by_id.vhost.size(), 1U) << "QEMU lists no vhost threads";
}

TEST(GuestThreads, IncludeAHotpluggedVcpuAtTheNextRead) {
    const test::RecordedHost host("helpers");
    const std::string process = "proc/" + std::to_string(host.pid) + "/";
    ThreadReader reader(host.roots().cgroup);
    reader.read(host.process(), without_threads, true);
    std::filesystem::remove(host.files.path(process + "task"));
    const std::string recorded = test::golden_file("lab/helpers/process/task/");
    for (const auto& entry : std::filesystem::directory_iterator(recorded))
        host.files.link(entry.path(), process + "task/" + entry.path().filename().string());
    const GuestThreads before = reader.read(host.process(), without_threads, false);
    const std::string directory = process + "task/9999/";
    for (const char* file : {"schedstat", "status", "cgroup"})
        host.files.link(recorded + std::to_string(before.vcpus[1].thread) + "/" + file,
                        directory + file);
    std::string stat = test::read_golden("lab/helpers/process/task/" +
                                         std::to_string(before.vcpus[1].thread) + "/stat");
    stat.replace(stat.find("CPU 1/KVM"), 9, "CPU 2/KVM");
    host.files.write(directory + "stat", stat);
    const GuestThreads after = reader.read(host.process(), without_threads, false);
    ASSERT_EQ(after.vcpus.size(), 3U);
    EXPECT_EQ(after.vcpus[2].id, 2);
    EXPECT_EQ(after.emulator.size(), before.emulator.size()) << "they are remembered";
}

// Its times are remembered, but a pin must not be taken for somebody else's from an old reading.
TEST(GuestThreads, TellTheAffinityOfEveryThreadEachTime) {
    const auto process = Process::open(::getpid());
    ThreadReader reader("/sys/fs/cgroup");
    const std::vector<int> before =
        reader.read(*process, without_threads, true).emulator.at(0).affinity;
    if (before.size() < 2) GTEST_SKIP() << "one CPU only";
    cpu_set_t all, one;
    ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    CPU_SET(before[0], &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    const GuestThreads now = reader.read(*process, without_threads, false);
    EXPECT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);
    EXPECT_EQ(now.emulator.at(0).affinity, std::vector<int>{before[0]});
}

}  // namespace
}  // namespace vnuma
