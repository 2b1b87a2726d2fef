#include "guests/process/thread_roles.hpp"

#include <gtest/gtest.h>

#include "guests/process/vmm_names.hpp"

namespace vnuma {
namespace {

TEST(RoleByName, FollowsTheNamesThatQemuGives) {
    EXPECT_EQ(role_by_name("CPU 12/KVM\n"), ThreadRole::vcpu);
    EXPECT_EQ(role_by_name("IO iothread1"), ThreadRole::iothread);
    EXPECT_EQ(role_by_name("IO mon_iothread"), ThreadRole::emulator);
    EXPECT_EQ(role_by_name("vhost-4711"), ThreadRole::vhost);
    EXPECT_EQ(role_by_name("qemu-system-x86"), ThreadRole::emulator);
    EXPECT_EQ(role_by_name("CPU /KVM"), ThreadRole::emulator);
}

TEST(ParseVcpuName, ReadsNamesOfVcpuThreadsOnly) {
    EXPECT_EQ(parse_vcpu_thread_name("CPU 12/KVM\n"), 12);
    EXPECT_EQ(parse_vcpu_thread_name("CPU 0/TCG"), std::nullopt);
    EXPECT_EQ(parse_iothread_name("IO iothread12"), 12);
    EXPECT_EQ(parse_iothread_name("IO iothread"), std::nullopt);
    EXPECT_EQ(parse_iothread_name("IO mon_iothread"), std::nullopt);
    EXPECT_EQ(parse_vcpu_thread_name("IO mon_iothread"), std::nullopt);
    EXPECT_EQ(parse_vcpu_thread_name("CPU /KVM"), std::nullopt);
}

TEST(ParseVhostName, ReadsTheProcessThatAVhostThreadServes) {
    EXPECT_EQ(parse_vhost_name("vhost-4711\n"), 4711);
    EXPECT_EQ(parse_vhost_name("vhost-"), std::nullopt);
    EXPECT_EQ(parse_vhost_name("kworker/0:1"), std::nullopt);
}

TEST(ThreadRoles, AreReadFromNamesIfTheSourceListsNoThreads) {
    const ThreadRoles roles{ListedGuest{}};
    EXPECT_EQ(roles.find(7, "CPU 3/KVM").role, ThreadRole::vcpu);
    EXPECT_EQ(roles.find(7, "CPU 3/KVM").vcpu, 3);
    EXPECT_EQ(roles.find(8, "IO iothread1").role, ThreadRole::iothread);
}

TEST(ThreadRoles, AreThoseThatTheSourceListsWhateverTheNames) {
    ListedGuest listed;
    listed.vcpu_threads = {{1, 7}};
    listed.iothreads = {{"io0", 8}};
    const ThreadRoles roles(listed);
    EXPECT_EQ(roles.find(7, "IO iothread1").role, ThreadRole::vcpu);
    EXPECT_EQ(roles.find(7, "IO iothread1").vcpu, 1);
    EXPECT_EQ(roles.find(8, "CPU 3/KVM").role, ThreadRole::iothread);
    EXPECT_EQ(roles.find(9, "CPU 3/KVM").role, ThreadRole::emulator) << "not listed";
    EXPECT_EQ(roles.find(10, "vhost-42").role, ThreadRole::vhost) << "QEMU lists no vhost threads";
}

}  // namespace
}  // namespace vnuma
