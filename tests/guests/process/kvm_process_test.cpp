#include "guests/process/kvm_process.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using Source = VcpuThreads::Source;

KvmFiles files_of(std::initializer_list<std::pair<const char*, const char*>> links) {
    KvmFiles files;
    for (const auto& [descriptor, target] : links)
        add_file(files, descriptor, target);
    return files;
}

TEST(AddFile, FindsTheVmAndItsVcpus) {
    const KvmFiles files = files_of({{"0", "/dev/null"},
                                     {"11", "/dev/kvm"},
                                     {"13", "anon_inode:kvm-vm"},
                                     {"14", "anon_inode:kvm-vcpu:0"},
                                     {"15", "anon_inode:kvm-vcpu:4"},
                                     {"16", "anon_inode:[eventfd]"}});
    EXPECT_EQ(files.vms, std::vector<int>{13});
    EXPECT_EQ(files.vcpus, (std::set<int>{0, 4}));
    EXPECT_TRUE(files.is_guest());
}

TEST(AddFile, OldKernelsNameNoNumbers) {
    const KvmFiles files = files_of({{"13", "anon_inode:kvm-vm"},
                                     {"14", "anon_inode:kvm-vcpu"},
                                     {"15", "anon_inode:kvm-vcpu"}});
    EXPECT_EQ(files.vcpus, (std::set<int>{0, 1}));
}

TEST(AddFile, WhoHoldsOnlyAPartIsNoGuest) {
    EXPECT_FALSE(files_of({{"13", "anon_inode:kvm-vm"}}).is_guest()) << "its vCPUs are not made";
    EXPECT_FALSE(files_of({{"14", "anon_inode:kvm-vcpu:0"}}).is_guest());
    EXPECT_FALSE(files_of({{"3", "/dev/kvm"}}).is_guest());
    EXPECT_FALSE(files_of({{"3", "/tmp/anon_inode:kvm-vm"}, {"4", "/tmp/anon_inode:kvm-vcpu:0"}})
                     .is_guest());
    for (const char* wrong : {"anon_inode:kvm-vcpu:-1", "anon_inode:kvm-vcpu:x",
                              "anon_inode:kvm-vcpu:99999999", "anon_inode:kvm-vcpu-stats:1"})
        EXPECT_FALSE(files_of({{"13", "anon_inode:kvm-vm"}, {"14", wrong}}).is_guest()) << wrong;
}

TEST(ParseVmDirectory, ReadsThreadAndDescriptor) {
    const auto vm = parse_vm_directory("4711-13");
    ASSERT_TRUE(vm);
    EXPECT_EQ(vm->maker, 4711);
    EXPECT_EQ(vm->descriptor, 13);
    for (const char* name : {"exits", "4711", "4711-", "-13", "4711-13-1", "a-b"})
        EXPECT_FALSE(parse_vm_directory(name)) << name;
    EXPECT_EQ(parse_vcpu_directory("vcpu12"), 12);
    EXPECT_EQ(parse_vcpu_directory("exits"), std::nullopt);
}

TEST(ThreadsOf, AreTheProcessesOwn) {
    const KvmVm vm{100, 13, {{0, 101}, {1, 102}, {2, 0}}};
    EXPECT_EQ(threads_of(vm, {100, 101, 102}), (std::map<int, pid_t>{{0, 101}, {1, 102}}));
    EXPECT_EQ(threads_of(vm, {101, 102}), (std::map<int, pid_t>{{0, 101}, {1, 102}}))
        << "the thread that made the VM has ended";
    EXPECT_EQ(threads_of(vm, {100, 101}), (std::map<int, pid_t>{{0, 101}}))
        << "vCPU 1 was unplugged";
    EXPECT_TRUE(threads_of(vm, {101, 300}).empty()) << "a number that happens to be the same";
    EXPECT_TRUE(threads_of(vm, {200, 201}).empty());
}

const KvmFiles two_vcpus{{13}, {0, 1}};

TEST(JoinVcpuThreads, KvmIsRightAboutThreadsAndNamesAboutNumbers) {
    const KvmFiles sparse{{13}, {0, 4}};
    VcpuThreads vcpus = join_vcpu_threads(sparse, {{0, 101}, {4, 102}}, {{0, 101}, {1, 102}});
    EXPECT_EQ(vcpus.threads, (std::map<int, pid_t>{{0, 101}, {1, 102}}));
    EXPECT_EQ(vcpus.source, Source::kvm);
    vcpus = join_vcpu_threads(sparse, {{0, 101}, {4, 102}}, {});
    EXPECT_EQ(vcpus.threads, (std::map<int, pid_t>{{0, 101}, {1, 102}})) << "they are counted";
    vcpus = join_vcpu_threads(two_vcpus, {{0, 101}, {1, 102}}, {{0, 500}});
    EXPECT_EQ(vcpus.threads, (std::map<int, pid_t>{{0, 101}, {1, 102}})) << "a name means nothing";
}

TEST(JoinVcpuThreads, WithoutNamesAVcpuKeepsItsNumberWhenAnotherIsUnplugged) {
    const KvmFiles four{{13}, {0, 1, 2, 3}}, sparse{{13}, {0, 1, 4, 5}};
    EXPECT_EQ(join_vcpu_threads(four, {{0, 101}, {2, 103}, {3, 104}}, {}).threads,
              (std::map<int, pid_t>{{0, 101}, {2, 103}, {3, 104}}));
    EXPECT_EQ(join_vcpu_threads(sparse, {{0, 101}, {4, 103}, {5, 104}}, {}).threads,
              (std::map<int, pid_t>{{0, 101}, {2, 103}, {3, 104}}));
    EXPECT_EQ(join_vcpu_threads({{13}, {0}}, {{0, 101}, {7, 102}}, {}).threads,
              (std::map<int, pid_t>{{0, 101}, {1, 102}}))
        << "its file was not seen yet";
}

TEST(JoinVcpuThreads, AVcpuThatNeverRanHasItsNameOnly) {
    const VcpuThreads vcpus = join_vcpu_threads(two_vcpus, {{0, 101}}, {{0, 101}, {1, 102}});
    EXPECT_EQ(vcpus.threads, (std::map<int, pid_t>{{0, 101}, {1, 102}}));
}

TEST(JoinVcpuThreads, WithoutKvmNamesTell) {
    EXPECT_EQ(join_vcpu_threads(two_vcpus, {}, {{0, 101}, {1, 102}}).source, Source::names);
    EXPECT_EQ(join_vcpu_threads(two_vcpus, {}, {{0, 101}}).source, Source::some_names);
    EXPECT_EQ(join_vcpu_threads(two_vcpus, {}, {}).source, Source::none);
}

}  // namespace
}  // namespace vnuma
