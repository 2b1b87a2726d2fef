#include "guests/process/guest_threads.hpp"

#include "guests/model/listed_guest.hpp"
#include "guests/process/process.hpp"
#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

ListedGuest listed_by_name() {
    return {};
}

TEST(Threads, AreToldByTheNamesThatLibvirtHasQemuGiveThem) {
    const test::RecordedHost host("helpers");
    ThreadReader reader(host.roots().cgroup);
    const GuestThreads group = reader.read(host.process(), listed_by_name(), true);
    ASSERT_EQ(group.vcpus.size(), 2U);
    EXPECT_EQ(group.vcpus[1].id, 1);
    EXPECT_EQ(group.vcpus[0].name, "CPU 0/KVM");
    EXPECT_GT(group.vcpus[0].run_ns, 0U);
    EXPECT_GT(group.vcpus[0].start_time, 0U);
    ASSERT_EQ(group.iothreads.size(), 1U);
    EXPECT_EQ(group.iothreads[0].name, "IO iothread1");
    ASSERT_EQ(group.vhost.size(), 1U);
    EXPECT_EQ(group.vhost[0].name, "vhost-" + std::to_string(host.pid));
    EXPECT_EQ(group.emulator.size(), 4U) << "QEMU itself, its monitor's thread, the kernel's";
}

TEST(Threads, KnowTheCpusetOfTheirCgroup) {
    const test::RecordedHost host("wishes");
    ThreadReader reader(host.roots().cgroup);
    const GuestThreads group = reader.read(host.process(), listed_by_name(), true);
    ASSERT_EQ(group.vcpus.size(), 2U);
    EXPECT_EQ(group.vcpus[0].affinity, (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(group.vcpus[0].cpuset, (std::vector<int>{0, 1, 2}));
}

TEST(Threads, AreWhatQemuSaysTheyAreWhateverTheirNames) {
    const test::RecordedHost host("helpers");
    ThreadReader reader(host.roots().cgroup);
    const GuestThreads named = reader.read(host.process(), listed_by_name(), true);
    ListedGuest listed;
    listed.vcpu_threads = {{0, named.vcpus[1].thread}, {1, named.emulator[0].thread}};
    listed.iothreads = {{"IO a", named.vcpus[0].thread}};
    ThreadReader other(host.roots().cgroup);
    const GuestThreads told = other.read(host.process(), listed, true);
    ASSERT_EQ(told.vcpus.size(), 2U);
    EXPECT_EQ(told.vcpus[0].thread, named.vcpus[1].thread);
    EXPECT_EQ(told.vcpus[1].thread, named.emulator[0].thread);
    ASSERT_EQ(told.iothreads.size(), 1U);
    EXPECT_EQ(told.iothreads[0].thread, named.vcpus[0].thread);
    EXPECT_EQ(told.vhost.size(), 1U) << "the kernel's names are nobody else's to give";
}

TEST(Threads, AVcpuThatIsPluggedIsThereInTheNextLook) {
    const test::RecordedHost host("helpers");
    const std::string process = "proc/" + std::to_string(host.pid) + "/";
    ThreadReader reader(host.roots().cgroup);
    reader.read(host.process(), listed_by_name(), true);
    std::filesystem::remove(host.files.path(process + "task"));
    const std::string recorded = test::golden_file("lab/helpers/process/task/");
    for (const auto& entry : std::filesystem::directory_iterator(recorded))
        host.files.link(entry.path(), process + "task/" + entry.path().filename().string());
    const GuestThreads before = reader.read(host.process(), listed_by_name(), false);
    const std::string directory = process + "task/9999/";
    for (const char* file : {"schedstat", "status", "cgroup"})
        host.files.link(recorded + std::to_string(before.vcpus[1].thread) + "/" + file,
                        directory + file);
    std::string stat = test::read_golden("lab/helpers/process/task/" +
                                         std::to_string(before.vcpus[1].thread) + "/stat");
    stat.replace(stat.find("CPU 1/KVM"), 9, "CPU 2/KVM");
    host.files.write(directory + "stat", stat);
    const GuestThreads after = reader.read(host.process(), listed_by_name(), false);
    ASSERT_EQ(after.vcpus.size(), 3U);
    EXPECT_EQ(after.vcpus[2].id, 2);
    EXPECT_EQ(after.emulator.size(), before.emulator.size()) << "remembered";
}

TEST(KernelVhostThreads, AreFoundByTheProcessTheyServe) {
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
