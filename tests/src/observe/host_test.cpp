#include "src/observe/host.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/no_free_descriptors.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

class Sysfs : public test::TemporaryDirectory {
  public:
    void add_node(int id, const std::string& cpus, const std::string& distance) const {
        const std::string node = "node/node" + std::to_string(id);
        write(node + "/cpulist", cpus);
        write(node + "/distance", distance);
        const std::string prefix = "Node " + std::to_string(id) + " ";
        write(node + "/meminfo",
              prefix + "MemTotal:        2048 kB\n" + prefix + "MemFree:         1000 kB\n" +
                  prefix + "Inactive(file):  500 kB\n" + prefix + "Dirty:           100 kB\n");
    }
    std::string root() const { return path(); }
};

TEST(ReadHost, ReadsNodesWithSparseNumbers) {
    Sysfs sysfs;
    sysfs.write("node/online", "0,2\n");
    sysfs.add_node(0, "0-1\n", "10 21\n");
    sysfs.add_node(2, "2-3\n", "21 10\n");
    const Host host = read_host(sysfs.root());
    ASSERT_EQ(host.topology.nodes.size(), 2U);
    EXPECT_EQ(host.topology.nodes[1].id, 2);
    EXPECT_EQ(host.topology.distances[0][1], 21);
    EXPECT_EQ(host.index_of(2), NodeIndex(1));
    EXPECT_EQ(host.index_of(1), std::nullopt);
    EXPECT_EQ(host.node_of_cpu(3), NodeIndex(1));
    EXPECT_EQ(host.node_of_cpu(7), std::nullopt);
}

TEST(ReadHost, ASiblingThreadAddsAFifthOfACore) {
    Sysfs sysfs;
    sysfs.write("node/online", "0\n");
    sysfs.add_node(0, "0-3\n", "10\n");
    for (int cpu = 0; cpu < 4; ++cpu)
        sysfs.write("cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
                    cpu % 2 == 0 ? "0,2\n" : "1,3\n");
    EXPECT_EQ(read_host(sysfs.root()).topology.nodes[0].cpu_capacity, 2400);
}

TEST(ReadHost, IsolatedCpusAreThoseThatTheKernelNames) {
    Sysfs sysfs;
    sysfs.write("node/online", "0\n");
    sysfs.add_node(0, "0-3\n", "10\n");
    EXPECT_TRUE(read_host(sysfs.root()).isolated.empty()) << "a kernel that does not tell";
    sysfs.write("cpu/isolated", "\n");
    EXPECT_TRUE(read_host(sysfs.root()).isolated.empty());
    sysfs.write("cpu/isolated", "1-2\n");
    const Host host = read_host(sysfs.root());
    EXPECT_EQ(host.isolated, (std::vector<int>{1, 2}));
    EXPECT_EQ(host.schedulable({0, 1, 2, 3}), (std::vector<int>{0, 3}));
    EXPECT_EQ(host.schedulable({1, 2}), (std::vector<int>{1, 2})) << "it has no others";
}

TEST(ReadHost, ANodeWithoutCpusHasNoCapacity) {
    Sysfs sysfs;
    sysfs.write("node/online", "0\n");
    sysfs.add_node(0, "\n", "10\n");
    EXPECT_EQ(read_host(sysfs.root()).topology.nodes[0].cpus, 0);
    EXPECT_EQ(read_host(sysfs.root()).topology.nodes[0].cpu_capacity, 0);
}

std::string error_of(const Sysfs& sysfs) {
    try {
        read_host(sysfs.root());
    } catch (const HostError& error) {
        return error.what();
    }
    return "";
}

TEST(ReadHost, SaysWhyAFileCannotBeRead) {
    const Sysfs sysfs;
    const std::string file = sysfs.root() + "/node/online: cannot be read: ";
    EXPECT_EQ(error_of(sysfs), file + "No such file or directory; does this kernel support NUMA?");
    const test::NoFreeDescriptors none;
    EXPECT_EQ(error_of(sysfs), file + "Too many open files");
}

TEST(ReadHost, NamesTheFileThatIsMissingOrWrong) {
    const Sysfs sysfs;
    sysfs.write("node/online", "zero\n");
    EXPECT_NE(error_of(sysfs).find("node/online"), std::string::npos);
    sysfs.write("node/online", "0-1\n");
    sysfs.add_node(0, "0\n", "10 21\n");
    EXPECT_NE(error_of(sysfs).find("node1"), std::string::npos);
    sysfs.add_node(1, "1\n", "21\n");
    EXPECT_NE(error_of(sysfs).find("node1/distance"), std::string::npos);
}

TEST(ReadAvailable, CountsFreeMemoryAndCleanUnusedCache) {
    Sysfs sysfs;
    sysfs.add_node(0, "0\n", "10\n");
    EXPECT_EQ(read_available(0, sysfs.root()), (1000 + 500 - 100) * 1024);
}

TEST(ReadHostState, MemoryIsWithoutThePoolsOfHugePages) {
    Sysfs sysfs;
    sysfs.write("node/online", "0\n");
    sysfs.add_node(0, "0\n", "10\n");
    sysfs.write("stat", "cpu0 1 0 0 0 0 0 0 0 0 0\n");
    const Host host = read_host(sysfs.root());
    const auto node = [&] {
        return read_host_state(host, sysfs.root(), sysfs.path("stat")).topology.nodes[0];
    };
    EXPECT_TRUE(node().huge_available.empty()) << "a kernel without huge pages";
    EXPECT_EQ(node().memory_total, 2048 * 1024);
    sysfs.write("node/node0/hugepages/hugepages-64kB/free_hugepages", "7\n");
    sysfs.write("node/node0/hugepages/hugepages-64kB/nr_hugepages", "9\n");
    sysfs.write("node/node0/hugepages/hugepages-1048576kB/free_hugepages", "0\n");
    sysfs.write("node/node0/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
    EXPECT_EQ(node().huge_available,
              (std::map<Bytes, Bytes>{{64 * 1024, 7 * 64 * 1024}, {1024 * mib, 0}}));
    EXPECT_EQ(node().memory_total, (2048 - 9 * 64) * 1024);
}

class FollowHost : public ::testing::Test {
  protected:
    FollowHost() {
        sysfs.write("node/online", "0,2\n");
        sysfs.add_node(0, "0-1\n", "10 21\n");
        sysfs.add_node(2, "2-3\n", "21 10\n");
        sysfs.write("stat", "cpu0 1 0 0 0 0 0 0 0 0 0\n");
        host = read_host(sysfs.root());
    }
    Host follow() { return host = follow_host(host, sysfs.root()); }

    Sysfs sysfs;
    Host host;
};

TEST_F(FollowHost, AHostThatHasNotChangedStaysAsItIs) {
    const Host before = host;
    EXPECT_EQ(follow(), before);
}

TEST_F(FollowHost, ACpuThatGoesOfflineIsNotUsedAndComesBack) {
    sysfs.write("node/node2/cpulist", "3\n");
    EXPECT_EQ(follow().cpus[1], std::vector<int>{3});
    EXPECT_EQ(host.topology.nodes[1].cpus, 1);
    EXPECT_EQ(host.topology.nodes[1].cpu_capacity, 1000);
    EXPECT_EQ(host.topology.nodes[0].cpus, 2);
    sysfs.write("node/node2/cpulist", "2-3\n");
    EXPECT_EQ(follow().topology.nodes[1].cpu_capacity, 2000);
}

TEST_F(FollowHost, CpusMayBeIsolatedLater) {
    sysfs.write("cpu/isolated", "1\n");
    EXPECT_EQ(follow().isolated, std::vector<int>{1});
    sysfs.write("cpu/isolated", "\n");
    EXPECT_TRUE(follow().isolated.empty());
}

TEST_F(FollowHost, ANodeThatGoesOfflineKeepsItsIndexAndHasNothing) {
    sysfs.write("node/online", "2\n");
    sysfs.add_node(2, "2-3\n", "10\n");
    follow();
    ASSERT_EQ(host.topology.nodes.size(), 2U);
    EXPECT_EQ(host.topology.nodes[0].cpus, 0);
    EXPECT_EQ(host.index_of(2), NodeIndex(1));
    EXPECT_EQ(host.topology.distances, (std::vector<std::vector<int>>{{10, 21}, {21, 10}}));
    const HostReading reading = read_host_state(host, sysfs.root(), sysfs.path("stat"));
    EXPECT_EQ(reading.topology.nodes[0].memory_total, 0);
    EXPECT_EQ(reading.topology.nodes[1].memory_total, 2048 * 1024);
    EXPECT_EQ(follow().topology.nodes[0].cpus, 0) << "and nothing is read anew";
}

TEST_F(FollowHost, ANodeThatIsNewComesLast) {
    sysfs.write("node/online", "0-2\n");
    sysfs.add_node(0, "0-1\n", "10 15 21\n");
    sysfs.add_node(1, "4\n", "15 10 17\n");
    sysfs.add_node(2, "2-3\n", "21 17 10\n");
    follow();
    EXPECT_EQ(host.index_of(2), NodeIndex(1));
    EXPECT_EQ(host.index_of(1), NodeIndex(2));
    EXPECT_EQ(host.topology.distances,
              (std::vector<std::vector<int>>{{10, 21, 15}, {21, 10, 17}, {15, 17, 10}}));
}

TEST(ReadHostState, BusyTimeIsAllButIdlingAndWaitingForIo) {
    Sysfs sysfs;
    sysfs.write("node/online", "0,2\n");
    sysfs.add_node(0, "0-1\n", "10 21\n");
    sysfs.add_node(2, "2\n", "21 10\n");
    const Host host = read_host(sysfs.root());
    sysfs.write("stat",
                "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 10 20 900 800 3 4 5 60 0\n"
                "cpu1 10 0 0 0 0 0 0 0 0 0\ncpu2 1 0 0 7 0 0 0 0 0 0\nintr 3\n");
    const HostReading now = read_host_state(host, sysfs.root(), sysfs.path("stat"));
    const auto tick = std::chrono::milliseconds(1000 / ::sysconf(_SC_CLK_TCK));
    EXPECT_EQ(now.busy, (std::vector<std::chrono::milliseconds>{152 * tick, tick}));
    EXPECT_EQ(now.topology.nodes[0].memory_available, (1000 + 400) * 1024);
    sysfs.write("stat", "cpu0 100 x\n");
    EXPECT_THROW(read_host_state(host, sysfs.root(), sysfs.path("stat")), HostError);
}

}  // namespace
}  // namespace vnuma
