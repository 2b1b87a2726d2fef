#include "guests/discovery/kvm_processes.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "guests/discovery/guest_source.hpp"
#include "tests/guests/discovery/proc_tree.hpp"
#include "tests/no_free_descriptors.hpp"

namespace vnuma {
namespace {

using std::chrono::seconds;

using Pids = std::vector<pid_t>;

class KvmProcessesTest : public ::testing::Test {
  protected:
    // A process that is no guest.
    static test::VmmProcess plain(pid_t pid) {
        test::VmmProcess process;
        process.pid = pid;
        process.exe = "/usr/bin/plain";
        process.comm = "plain";
        process.words = {"plain"};
        process.files = {{0, "/dev/null"}, {1, "/dev/kvm"}};
        process.tasks = {{pid, "plain"}};
        return process;
    }
    void make_vm(pid_t pid) const {
        tree.files.link("anon_inode:kvm-vm", tree.directory_of(pid) + "fd/7");
        tree.files.link("anon_inode:kvm-vcpu:0", tree.directory_of(pid) + "fd/8");
    }
    Pids find(seconds later = seconds(0)) {
        now += later;
        return processes.find(now);
    }
    // Many processes, of which only the files are there.
    void add_many(pid_t first, std::size_t count) const {
        for (std::size_t i = 0; i < count; ++i)
            tree.files.link("/dev/null", tree.directory_of(first + static_cast<pid_t>(i)) + "fd/0");
    }
    void make_anything() { tree.set_newest(++newest); }

    test::ProcTree tree;
    KvmProcesses::Time now{};
    KvmProcesses processes{tree.roots().proc};
    long newest = 50'000;
};

TEST_F(KvmProcessesTest, FindsThoseThatHoldAVmWithVcpus) {
    for (const char* shape : {"firecracker", "proxmox", "kvmtool"})
        tree.add(shape);
    tree.add(plain(500));
    EXPECT_EQ(find(), (Pids{4711, 7000, 9000}));
}

TEST_F(KvmProcessesTest, AreListedAgainOnlyIfSomethingWasMade) {
    tree.set_newest(newest);
    EXPECT_EQ(find(), Pids{});
    tree.add("firecracker");
    tree.set_newest(newest);
    EXPECT_EQ(find(seconds(1)), Pids{}) << "nothing was made, as far as the kernel tells";
    make_anything();
    EXPECT_EQ(find(seconds(1)), Pids{7000});
    tree.remove(7000);
    EXPECT_EQ(find(seconds(1)), Pids{7000});
    EXPECT_EQ(find(KvmProcesses::walk_interval), Pids{});
}

TEST_F(KvmProcessesTest, AProcessMayMakeItsVmSoonAfterItsStart) {
    find();
    tree.add(plain(500));
    EXPECT_EQ(find(seconds(1)), Pids{});
    make_vm(500);
    make_anything();
    EXPECT_EQ(find(seconds(1)), Pids{500});
}

TEST_F(KvmProcessesTest, AProcessThatIsThereForLongIsLookedAtNowAndThen) {
    tree.add(plain(500));
    find();
    find(seconds(20));
    make_vm(500);
    make_anything();
    EXPECT_EQ(find(seconds(1)), Pids{});
    make_anything();
    EXPECT_EQ(find(KvmProcesses::look_interval), Pids{500});
}

TEST_F(KvmProcessesTest, OfManyThatAreDueAFewAreLookedAtInEachWalk) {
    constexpr std::size_t at_once = KvmProcesses::looks_again_at_once;
    add_many(1000, at_once + 10);
    find();
    for (std::size_t i = 0; i < at_once + 10; ++i)
        make_vm(static_cast<pid_t>(1000 + i));
    make_anything();
    EXPECT_EQ(find(KvmProcesses::look_interval).size(), at_once);
    make_anything();
    EXPECT_EQ(find(seconds(1)).size(), at_once + 10);
}

TEST_F(KvmProcessesTest, OfThoseThatAreDueTheOldestAreLookedAtFirstAndNewOnesAtOnce) {
    constexpr std::size_t at_once = KvmProcesses::looks_again_at_once;
    constexpr auto last = static_cast<pid_t>(1000 + at_once);
    add_many(1000, at_once + 1);
    find();
    make_anything();
    find(KvmProcesses::look_interval);  // at all but the last
    make_vm(last);
    make_vm(1000);
    make_vm(last - 1);
    add_many(20000, 1);
    make_vm(20000);
    make_anything();
    EXPECT_EQ(find(2 * KvmProcesses::look_interval), (Pids{1000, last, 20000}));
}

TEST_F(KvmProcessesTest, AProcessWithAnotherNumberOfThreadsIsLookedAt) {
    const test::VmmProcess process = plain(500);
    tree.add(process);
    struct stat before {
    }, after{};
    const std::string tasks = tree.files.path(tree.directory_of(500) + "task");
    ASSERT_EQ(::stat(tasks.c_str(), &before), 0);
    find();
    find(seconds(20));
    make_vm(500);
    tree.add_task(process, 501, "vcpu0");
    ASSERT_EQ(::stat(tasks.c_str(), &after), 0);
    if (before.st_nlink == after.st_nlink)
        GTEST_SKIP() << "this file system does not count directories as /proc does";
    make_anything();
    EXPECT_EQ(find(seconds(1)), Pids{500});
}

TEST_F(KvmProcessesTest, AChildThatQemuHasJustForkedIsNoGuest) {
    tree.add("proxmox");
    test::VmmProcess child = test::read_vmm("proxmox");
    child.parent = child.pid;
    child.pid = 4800;
    child.tasks = {{4800, "kvm"}};
    tree.add(child);
    EXPECT_EQ(find(), Pids{4711});
    child.words = {"another", "vmm"};
    tree.add(child);
    make_anything();
    EXPECT_EQ(find(KvmProcesses::look_interval), (Pids{4711, 4800}));
}

TEST_F(KvmProcessesTest, WithoutADescriptorNothingIsKnownAndNoGuestIsLost) {
    tree.add("firecracker");
    EXPECT_EQ(find(), Pids{7000});
    {
        const test::NoFreeDescriptors none;
        EXPECT_THROW(find(KvmProcesses::look_interval), SourceError);
    }
    EXPECT_EQ(find(seconds(1)), Pids{7000});
}

TEST_F(KvmProcessesTest, WithoutProcNothingIsKnown) {
    KvmProcesses none(tree.files.path("nowhere"));
    EXPECT_THROW(none.find(now), SourceError);
}

}  // namespace
}  // namespace vnuma
