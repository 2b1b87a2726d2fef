#include "guests/process/kvm_debugfs.hpp"

#include <gtest/gtest.h>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using Threads = std::map<int, pid_t>;

const KvmFiles files{{13}, {0, 1}};

TEST(ReadVcpuThreads, FindsTheVmThatTheProcessHasMade) {
    const test::TemporaryDirectory sysfs;
    sysfs.write("kernel/debug/kvm/exits", "0\n");
    sysfs.write("kernel/debug/kvm/200-13/vcpu0/pid", "201\n");
    sysfs.write("kernel/debug/kvm/100-13/vcpu0/pid", "101\n");
    sysfs.write("kernel/debug/kvm/100-13/vcpu1/pid", "102\n");
    sysfs.write("kernel/debug/kvm/100-13/nx_lpage_splits", "0\n");
    EXPECT_EQ(read_vcpu_threads(sysfs.path(), files, {100, 101, 102}),
              (Threads{{0, 101}, {1, 102}}));
    EXPECT_EQ(read_vcpu_threads(sysfs.path(), files, {200, 201}), (Threads{{0, 201}}));
    EXPECT_TRUE(read_vcpu_threads(sysfs.path(), {{14}, {0}}, {100, 101, 102}).empty())
        << "its VM has another descriptor";
}

// cloud-hypervisor makes its VM in a thread; a jailer's child may be somebody else's.
TEST(ReadVcpuThreads, FindsTheVmWhoseMakerHasEnded) {
    const test::TemporaryDirectory sysfs;
    sysfs.write("kernel/debug/kvm/99-13/vcpu0/pid", "101\n");
    sysfs.write("kernel/debug/kvm/99-13/vcpu1/pid", "102\n");
    EXPECT_EQ(read_vcpu_threads(sysfs.path(), files, {100, 101, 102}),
              (Threads{{0, 101}, {1, 102}}));
}

TEST(ReadVcpuThreads, WithoutDebugfsThereAreNone) {
    const test::TemporaryDirectory sysfs;
    EXPECT_TRUE(read_vcpu_threads(sysfs.path(), files, {100}).empty());
    sysfs.write("kernel/debug/kvm/100-13/vcpu0/guest_mode", "0\n");
    EXPECT_TRUE(read_vcpu_threads(sysfs.path(), files, {100, 101}).empty())
        << "a kernel before 5.19";
}

}  // namespace
}  // namespace vnuma
