#include "guests/process/parse_proc.hpp"

#include <set>

#include "guests/process/process.hpp"
#include "guests/process/vmm_names.hpp"
#include "policy/model/number_list.hpp"
#include "tests/guests/golden.hpp"

namespace vnuma {
namespace {

TEST(ParseStat, ReadsTheFieldsAfterANameWithSpacesAndParentheses) {
    const auto stat = parse_stat(
        "243 (CPU 0/KVM) :) S 1 239 239 0 -1 138412096 1 2 3 4 501 60 0 0 20 0 6 0 1042 1125 98 7 "
        "8 9 "
        "10 11 12 13 14 15 16 17 18 19 17 2 0 0 0 0 0\n");
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->state, 'S');
    EXPECT_EQ(stat->start_time, 1042U);
    EXPECT_EQ(stat->last_cpu, 2);
}

TEST(ParseStat, RefusesALineThatEndsEarly) {
    EXPECT_FALSE(parse_stat(""));
    EXPECT_FALSE(parse_stat("243 (CPU 0/KVM) S 1 239"));
}

TEST(ParseSchedstat, ReadsRunTimeAndWaitTime) {
    const auto stat = parse_schedstat("6052190233 170532417 9371\n");
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->run_ns, 6052190233U);
    EXPECT_EQ(stat->wait_ns, 170532417U);
    EXPECT_FALSE(parse_schedstat("0\n"));
}

TEST(FindStatusField, FindsTheFieldByItsWholeName) {
    const char* status = "Name:\tCPU 0/KVM\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n";
    EXPECT_EQ(find_status_field(status, "Cpus_allowed_list"), "0-3");
    EXPECT_EQ(find_status_field(status, "Mems_allowed_list"), std::nullopt);
}

TEST(ParseEffectiveUser, ReadsTheSecondNumber) {
    EXPECT_EQ(parse_effective_user("Name:\tqemu\nUid:\t1000\t107\t107\t107\nGid:\t1\t2\t3\t4\n"),
              107U);
    EXPECT_FALSE(parse_effective_user("Name:\tqemu\nUid:\t1000\n"));
}

TEST(ParseUnixSockets, FindsTheSocketsOfAFileByItsName) {
    const auto sockets = parse_unix_sockets(
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "00000000e5f9acec: 00000003 00000000 00000000 0001 03  1062\n"
        "0000000053d4a43f: 00000002 00000000 00010000 0001 01 112242 /run/my guests/a.sock\n"
        "0000000053d4a440: 00000003 00000000 00000000 0001 03 112243 a.sock\n"
        "0000000053d4a441: 00000003 00000000 00000000 0001 03 112244 @a.sock\n"
        "0000000053d4a442: 00000003 00000000 00000000 0001 03 112245 /run/aa.sock\n"
        "0000000053d4a443: 00000003 00000000 00000000 0001 03 112246 /home/other/a.sock\n",
        "a.sock", {1062, 112242, 112243, 112244, 112245});
    ASSERT_EQ(sockets.size(), 2U);
    EXPECT_EQ(sockets[0].inode, 112242U);
    EXPECT_EQ(sockets[0].path, "/run/my guests/a.sock");
    EXPECT_EQ(sockets[1].path, "a.sock");
}

TEST(HasPendingConnection, TellsOneThatTheServerHasNotAccepted) {
    const std::string listening =
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "00000000b35b5ed8: 00000002 00000000 00010000 0001 01 80415 /run/my guests/a.sock\n";
    const auto connected = [&](const char* state, const char* inode) {
        return listening + "00000000b3add9cb: 00000003 00000000 00000000 0001 " + state + " " +
               inode + " /run/my guests/a.sock\n";
    };
    EXPECT_TRUE(has_pending_connection(connected("02", "    0"), "a.sock"));
    EXPECT_FALSE(has_pending_connection(connected("02", "    0"), "b.sock"));
    EXPECT_FALSE(has_pending_connection(connected("03", "80419"), "a.sock"));
    EXPECT_FALSE(has_pending_connection(listening, "a.sock"));
    EXPECT_FALSE(has_pending_connection("02 02 02 02 02 02", "a.sock"));
}

TEST(ParseMaps, ReadsMappingsAndSkipsOtherLines) {
    const auto maps = parse_maps(
        "7f63a3e00000-7f63c3e00000 rw-p 00000000 00:00 0 \n"
        "7f63c3e00000-7f63c3e01000 ---p 00000000 00:00 0 \n"
        "garbage\n"
        "7f0a00000000-7f0a20000000 rw-s 00000000 00:01 2054                       /memfd:ram "
        "(deleted)\n");
    ASSERT_EQ(maps.size(), 3U);
    EXPECT_EQ(maps[0].end - maps[0].start, 512U << 20);
    EXPECT_TRUE(maps[0].writable);
    EXPECT_FALSE(maps[1].writable);
    EXPECT_TRUE(maps[2].shared);
    EXPECT_EQ(maps[2].path, "/memfd:ram (deleted)");
    EXPECT_EQ(maps[2].file, (MappedFile{1, 2054}));
    EXPECT_EQ(maps[0].file, MappedFile());
}

TEST(ParseNumaMaps, CutsNumbersThatNoHostHas) {
    const auto maps = parse_numa_maps(
        "1000 default N0=18446744073709551615 kernelpagesize_kB=4\n"
        "2000 default N0=4 kernelpagesize_kB=18446744073709551615\n"
        "3000 default N0=4 kernelpagesize_kB=0\n");
    ASSERT_EQ(maps.size(), 3U);
    EXPECT_EQ(maps[0].bytes.at(0), max_mapped_bytes);
    EXPECT_EQ(maps[1].bytes.at(0), max_mapped_bytes);
    EXPECT_EQ(maps[2].bytes.at(0), 0U);
}

TEST(ParseNumaMaps, MultipliesPagesOfANodeByThePageSizeOfTheMapping) {
    const auto maps = parse_numa_maps(
        "7f63a3e00000 default anon=101376 dirty=101376 active=0 N0=37376 N1=64000 "
        "kernelpagesize_kB=4\n"
        "7f0a00000000 bind:0 file=/anon_hugepage\\040(deleted) huge dirty=4 N0=4 "
        "kernelpagesize_kB=2048\n");
    ASSERT_EQ(maps.size(), 2U);
    EXPECT_EQ(maps[0].bytes.at(0), 37376U * 4096);
    EXPECT_EQ(maps[0].bytes.at(1), 64000U * 4096);
    EXPECT_EQ(maps[1].policy, "bind:0");
    EXPECT_EQ(maps[1].bytes.at(0), 8U << 20);
}

TEST(ParseChildren, ReadsProcessIdsUpToALimit) {
    EXPECT_EQ(parse_children("3 17 4242 \n", 10), (std::vector<pid_t>{3, 17, 4242}));
    EXPECT_EQ(parse_children("3 17 4242 ", 2), (std::vector<pid_t>{3, 17}));
    EXPECT_EQ(parse_children("3 x 17", 10), std::vector<pid_t>{3});
    EXPECT_TRUE(parse_children("", 10).empty());
}

TEST(ParseCgroup, FindsTheCgroupThatHoldsTheCpuset) {
    const auto unified = parse_cgroup("0::/machine/qemu-4-x.libvirt-qemu/vcpu0\n");
    ASSERT_TRUE(unified);
    EXPECT_TRUE(unified->unified);
    EXPECT_EQ(unified->path, "/machine/qemu-4-x.libvirt-qemu/vcpu0");
    const auto v1 = parse_cgroup("7:memory:/a\n4:cpu,cpuset:/b\n1:name=systemd:/c\n0::/d\n");
    ASSERT_TRUE(v1);
    EXPECT_FALSE(v1->unified);
    EXPECT_EQ(v1->path, "/b");
    EXPECT_FALSE(parse_cgroup("1:name=systemd:/c\n"));
    EXPECT_FALSE(parse_cgroup("nonsense"));
}

class RecordedGuests : public ::testing::TestWithParam<const char*> {
  protected:
    std::string read(const std::string& file) const {
        return test::read_golden(std::string("lab/") + GetParam() + "/process/" + file);
    }
};

TEST_P(RecordedGuests, HaveTasksThatCanBeRead) {
    const auto process =
        Process::open_recorded(test::golden_file(std::string("lab/") + GetParam() + "/process"));
    ASSERT_TRUE(process);
    std::set<int> vcpus;
    for (const pid_t task : process->tasks()) {
        const std::string directory = "task/" + std::to_string(task) + "/";
        const auto stat = parse_stat(read(directory + "stat"));
        ASSERT_TRUE(stat) << task;
        EXPECT_EQ(stat->pid, task);
        EXPECT_EQ(stat->name + "\n", read(directory + "comm"));
        EXPECT_GE(stat->last_cpu, 0);
        EXPECT_GE(stat->start_time, process->start_time());
        EXPECT_TRUE(parse_schedstat(read(directory + "schedstat")));
        EXPECT_TRUE(parse_cgroup(read(directory + "cgroup")));
        const std::string status = read(directory + "status");
        const auto cpus = find_status_field(status, "Cpus_allowed_list");
        ASSERT_TRUE(cpus);
        EXPECT_FALSE(parse_number_list(*cpus)->empty());
        if (const auto vcpu = parse_vcpu_thread_name(stat->name)) vcpus.insert(*vcpu);
    }
    EXPECT_GE(vcpus.size(), 2U);
}

TEST_P(RecordedGuests, HaveTheSameMappingsInMapsAndNumaMaps) {
    std::set<std::uint64_t> starts;
    for (const Mapping& mapping : parse_maps(read("maps")))
        starts.insert(mapping.start);
    EXPECT_GT(starts.size(), 50U);
    std::uint64_t bytes = 0;
    for (const NumaMapping& mapping : parse_numa_maps(read("numa_maps"))) {
        EXPECT_TRUE(starts.contains(mapping.start)) << std::hex << mapping.start;
        for (const auto& [node, count] : mapping.bytes)
            bytes += count;
    }
    EXPECT_GT(bytes, 64U << 20);
}

INSTANTIATE_TEST_SUITE_P(Golden, RecordedGuests,
                         ::testing::Values("helpers", "hotplug", "hugetlb", "memfd",
                                           "memory-devices", "vnuma", "wishes"),
                         [](const auto& info) {
                             std::string name = info.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace vnuma
