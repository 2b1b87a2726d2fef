#include "src/observe/rival_reader.hpp"

#include <gtest/gtest.h>

#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace std::chrono_literals;

class RivalReaderTest : public ::testing::Test {
  protected:
    // A process of root.
    void add_process(int pid, const std::string& name, const std::string& executable,
                     const std::string& arguments = "") const {
        const std::string process = "proc/" + std::to_string(pid) + "/";
        host.write(process + "comm", name + "\n");
        host.write(process + "status", "Name:\t" + name + "\nUid:\t0\t0\t0\t0\n");
        host.write(process + "cmdline", executable + '\0' + arguments);
        host.link(executable, process + "exe");
    }
    void add_numad(int pid) const { add_process(pid, "numad", "/usr/bin/numad"); }
    void remove(const std::string& file) const { std::filesystem::remove_all(host.path(file)); }

    RivalReading read() { return reader.read(guests, now); }
    RivalReading read_after(std::chrono::seconds time) {
        now += time;
        return read();
    }

    const test::TemporaryDirectory host;
    std::vector<ListedGuest> guests;
    RivalReader reader{
        RivalRoots{host.path("proc"), host.path("sys"), host.path("run"), host.path("var")}};
    RivalReader::Time now{1000s};
};

TEST_F(RivalReaderTest, AnEmptyHostHasNothing) {
    const RivalReading reading = read();
    EXPECT_EQ(reading.numa_balancing, 0);
    EXPECT_FALSE(reading.ksm_across_nodes || reading.static_cpus || reading.static_memory);
    EXPECT_TRUE(reading.daemons.empty());
    EXPECT_TRUE(reading.in_pods.empty());
}

TEST_F(RivalReaderTest, TheKernelsBalancingIsReadEveryTime) {
    host.write("proc/sys/kernel/numa_balancing", "1\n");
    EXPECT_EQ(read().numa_balancing, 1);
    host.write("proc/sys/kernel/numa_balancing", "2\n");
    EXPECT_EQ(read().numa_balancing, 2);
    host.write("proc/sys/kernel/numa_balancing", "0\n");
    EXPECT_EQ(read().numa_balancing, 0);
}

TEST_F(RivalReaderTest, KsmCountsWhileItRunsAndMergesAcrossNodes) {
    host.write("sys/kernel/mm/ksm/run", "1\n");
    host.write("sys/kernel/mm/ksm/merge_across_nodes", "1\n");
    EXPECT_TRUE(read().ksm_across_nodes);
    host.write("sys/kernel/mm/ksm/merge_across_nodes", "0\n");
    EXPECT_FALSE(read().ksm_across_nodes);
    host.write("sys/kernel/mm/ksm/merge_across_nodes", "1\n");
    host.write("sys/kernel/mm/ksm/run", "2\n");
    EXPECT_FALSE(read().ksm_across_nodes) << "it takes merged pages apart";
}

TEST_F(RivalReaderTest, NumadThatHasWrittenItsPidFileIsSeenAtOnceAndSoIsItsEnd) {
    read();
    add_numad(812);
    EXPECT_TRUE(read_after(2s).daemons.empty()) << "the processes were listed 2 s ago";
    host.write("var/run/numad.pid", "812\n");
    EXPECT_EQ(read_after(2s).daemons.at("numad"), 812);
    remove("proc/812");
    EXPECT_TRUE(read_after(2s).daemons.empty());
    add_numad(813);
    host.write("run/numad.pid", "813\n");
    EXPECT_EQ(read_after(2s).daemons.at("numad"), 813);
}

TEST_F(RivalReaderTest, DaemonsWithoutAPidFileAreFoundInTheListOfProcesses) {
    add_process(1, "systemd", "/usr/lib/systemd/systemd");
    read();
    add_process(70, "tuned", "/usr/bin/python3.11");
    add_process(71, "irqbalance", "/usr/sbin/irqbalance");
    add_numad(72);
    EXPECT_EQ(read_after(RivalReader::walk_interval).daemons,
              (std::map<std::string, pid_t>{{"tuned", 70}, {"irqbalance", 71}, {"numad", 72}}));
    remove("proc/70");
    EXPECT_EQ(read_after(2s).daemons,
              (std::map<std::string, pid_t>{{"irqbalance", 71}, {"numad", 72}}));
}

TEST_F(RivalReaderTest, ADaemonThatIsStartedIsFoundInTheNextLook) {
    host.write("proc/loadavg", "0.00 0.01 0.05 1/120 71\n");
    EXPECT_TRUE(read().daemons.empty());
    add_process(72, "irqbalance", "/usr/sbin/irqbalance");
    EXPECT_TRUE(read_after(2s).daemons.empty()) << "the kernel says that there is no new process";
    host.write("proc/loadavg", "0.00 0.01 0.05 2/121 72\n");
    EXPECT_EQ(read_after(2s).daemons.at("irqbalance"), 72);
}

TEST_F(RivalReaderTest, AProcessThatWasSeenBeforeItBecameADaemonIsFoundInTheNextList) {
    add_process(72, "(numad)", "/usr/lib/systemd/systemd");
    EXPECT_TRUE(read().daemons.empty());
    remove("proc/72");
    add_numad(72);
    EXPECT_EQ(read_after(RivalReader::walk_interval).daemons.at("numad"), 72);
}

TEST_F(RivalReaderTest, AProcessThatBecomesADaemonLateIsFoundWhenAllNamesAreReadAgain) {
    add_process(72, "sh", "/usr/bin/dash");
    read();
    read_after(RivalReader::walk_interval);
    remove("proc/72");
    add_numad(72);
    EXPECT_TRUE(read_after(RivalReader::walk_interval).daemons.empty());
    for (int tick = 0; tick < 100; ++tick) {
        host.write("proc/loadavg", "0.00 0.01 0.05 2/121 " + std::to_string(100 + tick));
        EXPECT_TRUE(read_after(2s).daemons.empty())
            << "new processes are no reason to read all names";
    }
    EXPECT_EQ(read_after(RivalReader::all_names_interval).daemons.at("numad"), 72);
}

TEST_F(RivalReaderTest, WhereOneDaemonEndsAnotherOneOfItsNameIsFound) {
    add_process(70, "irqbalance", "/usr/sbin/irqbalance");
    add_process(71, "irqbalance", "/usr/sbin/irqbalance");
    for (int walk = 0; walk < 3; ++walk)
        read_after(RivalReader::walk_interval);
    ASSERT_EQ(read().daemons.at("irqbalance"), 70);
    remove("proc/70");
    EXPECT_EQ(read_after(RivalReader::walk_interval).daemons.at("irqbalance"), 71);
}

TEST_F(RivalReaderTest, ANameAloneMakesNobodyNumad) {
    add_process(72, "numad", "/home/eve/numad");
    host.write("proc/72/status", "Name:\tnumad\nUid:\t1000\t1000\t1000\t1000\n");
    add_process(73, "numad", "/usr/bin/sleep");
    host.write("run/numad.pid", "73\n");
    add_process(74, "tuned", "/usr/bin/sudo");
    host.write("proc/74/status", "Name:\ttuned\nUid:\t1000\t0\t0\t0\n");
    EXPECT_TRUE(read().daemons.empty());
}

TEST_F(RivalReaderTest, NumadThatOnlyAdvisesIsNoDaemon) {
    using namespace std::string_literals;
    add_process(72, "numad", "/usr/bin/numad", "-w\0004:2048\0"s);
    EXPECT_TRUE(read().daemons.empty());
}

TEST_F(RivalReaderTest, NumadWhosePackageWasUpgradedStillRuns) {
    add_process(72, "numad", "/usr/bin/numad (deleted)");
    EXPECT_EQ(read().daemons.at("numad"), 72);
}

TEST_F(RivalReaderTest, KubernetesCountsWhileAManagerHasTheStaticPolicy) {
    host.write("var/lib/kubelet/cpu_manager_state",
               R"({"policyName":"none","defaultCpuSet":"","checksum":1353318690})");
    host.write("var/lib/kubelet/memory_manager_state",
               R"({"policyName":"None","machineState":{},"checksum":4})");
    EXPECT_FALSE(read().static_cpus || read().static_memory);
    host.write("var/lib/kubelet/cpu_manager_state",
               R"({"policyName":"static","defaultCpuSet":"0-3","entries":{},"checksum":7})");
    EXPECT_TRUE(read().static_cpus);
    EXPECT_FALSE(read().static_memory);
    host.write("var/lib/kubelet/memory_manager_state",
               R"({"policyName":"Static","machineState":{},"entries":{},"checksum":5})");
    EXPECT_TRUE(read().static_memory);
}

TEST_F(RivalReaderTest, AStateOfKubernetesThatIsNotUnderstoodMayBeStatic) {
    for (const char* state : {"", "{", "[1]", R"({"policy":"none"})", R"({"policyName":7})"}) {
        host.write("var/lib/kubelet/cpu_manager_state", state);
        EXPECT_TRUE(read().static_cpus) << state;
    }
}

TEST_F(RivalReaderTest, TellsWhichGuestsAreInPods) {
    guests.resize(3);
    guests[0].uuid = "in-a-pod";
    guests[0].pid = 500;
    guests[1].uuid = "of-libvirt";
    guests[1].pid = 501;
    guests[2].uuid = "without-a-process";
    host.write("proc/500/cgroup", "0::/kubepods.slice/kubepods-pod1.slice/cri-2.scope\n");
    host.write("proc/501/cgroup", "0::/machine.slice/machine-qemu.scope/libvirt/emulator\n");
    EXPECT_TRUE(read().in_pods.empty()) << "there is no Kubernetes with a static policy";
    host.write("var/lib/kubelet/cpu_manager_state", R"({"policyName":"static"})");
    EXPECT_EQ(read().in_pods, std::set<std::string>{"in-a-pod"});
}

}  // namespace
}  // namespace vnuma
