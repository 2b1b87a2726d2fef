#include "guests/process/vmm_names.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

TEST(ParseVcpuThreadName, ReadsTheNamesThatVmmsGive) {
    EXPECT_EQ(parse_vcpu_thread_name("CPU 12/KVM\n"), 12) << "QEMU";
    EXPECT_EQ(parse_vcpu_thread_name("vcpu3"), 3) << "cloud-hypervisor";
    EXPECT_EQ(parse_vcpu_thread_name("fc_vcpu 0"), 0) << "Firecracker";
    EXPECT_EQ(parse_vcpu_thread_name("crosvm_vcpu11"), 11) << "crosvm";
    EXPECT_EQ(parse_vcpu_thread_name("kvm-vcpu-7"), 7) << "kvmtool";
}

TEST(ParseVcpuThreadName, TakesNoOtherNames) {
    for (const char* name :
         {"", "vcpu", "vcpu-1", "vcpux", "vcpu3 ", "CPU 1/TCG", "CPU /KVM", "CPU +1/KVM",
          "kvm-vcpu--1", "fc_vcpu", "fc_vcpu0", "vcpu99999", "kvm-nx-lpage-re", "qemu-system-x86"})
        EXPECT_EQ(parse_vcpu_thread_name(name), std::nullopt) << name;
}

TEST(StateByThreadName, KnowsThreadsThatMigrateOrSave) {
    for (const char* name : {"live_migration", "mig/src/main", "mig/dst/recv_0\n", "multifdsend_1",
                             "postcopy/listen", "return path", "migration"})
        EXPECT_EQ(state_by_thread_name(name), RunState::migrating) << name;
    EXPECT_EQ(state_by_thread_name("bg_snapshot"), RunState::saving);
    for (const char* name : {"CPU 0/KVM", "worker", "vmm", "", "migration/3"})
        EXPECT_EQ(state_by_thread_name(name), RunState::running) << name;
}

TEST(ProgramOf, LeavesOutFoldersAndTheKernelsRemark) {
    EXPECT_EQ(program_of("/usr/bin/firecracker (deleted)"), "firecracker");
    EXPECT_EQ(program_of("crosvm"), "crosvm");
    EXPECT_EQ(program_of(""), "");
}

TEST(IsQemu, KnowsTheNamesOfDistributions) {
    for (const char* name :
         {"qemu-system-x86_64", "qemu-kvm", "kvm", ".qemu-system-x86_64-wrapped"})
        EXPECT_TRUE(is_qemu(name)) << name;
    for (const char* name : {"firecracker", "cloud-hypervisor", "crosvm", "lkvm", ""})
        EXPECT_FALSE(is_qemu(name)) << name;
}

std::string named(std::initializer_list<std::string_view> words) {
    std::string line;
    for (const std::string_view word : words)
        line += std::string(word) + '\0';
    return find_name_argument(line);
}

TEST(FindNameArgument, ReadsTheNameThatAVmmIsGiven) {
    EXPECT_EQ(named({"firecracker", "--api-sock", "/run/a.sock", "--id", "web-1"}), "web-1");
    EXPECT_EQ(named({"crosvm", "run", "--name=db", "--mem", "4096"}), "db");
    EXPECT_EQ(named({"lkvm", "run", "--name", "a\nb"}), "a?b");
    EXPECT_EQ(named({"cloud-hypervisor", "--identity", "x"}), "");
    EXPECT_EQ(named({"lkvm", "run", "--", "--name", "other"}), "");
    EXPECT_EQ(named({"firecracker", "--id"}), "");
}

TEST(NameByGroup, NamesPodContainerOrScope) {
    EXPECT_EQ(
        name_by_group("firecracker",
                      "/kubepods.slice/kubepods-burstable.slice/"
                      "kubepods-burstable-pod1a2b3c4d_1111_2222_3333_444455556666.slice/"
                      "cri-containerd-"
                      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope"),
        "firecracker-pod1a2b3c4d-cri-containerd-0123456789ab");
    EXPECT_EQ(
        name_by_group("cloud-hypervisor",
                      "/kubepods/besteffort/pod1a2b3c4d-1111-2222-3333-444455556666/kata_overhead"),
        "cloud-hypervisor-pod1a2b3c4d-kata_overhead");
    EXPECT_EQ(name_by_group("kvm", "/qemu.slice/100.scope"), "kvm-100");
    EXPECT_EQ(name_by_group("lkvm", "/user.slice/user-0.slice/session-3.scope"), "lkvm-session-3");
    EXPECT_EQ(name_by_group("crosvm", "/system.slice/podman-1.scope/emulator"), "crosvm-podman-1");
    EXPECT_EQ(name_by_group("crosvm", "/vm.slice/vcpu3"), "crosvm-vm");
    EXPECT_EQ(name_by_group("", "/"), "guest");
    EXPECT_EQ(name_by_group("a\nb", ""), "a?b");
}

}  // namespace
}  // namespace vnuma
