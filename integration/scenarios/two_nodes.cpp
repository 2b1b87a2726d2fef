// Scenarios on a host with two nodes of two CPUs each.
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <set>

#include "integration/demo/picture.hpp"
#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/scenarios/scenario.hpp"
#include "integration/scenarios/scenario_guests.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

GuestShape thin(const std::string& name, std::vector<int> first_touch_nodes) {
    return {name, {{2, 512}}, std::move(first_touch_nodes), 120};
}

TEST(TwoNodes, MisplacedGuestsComeHomeOnDifferentNodes) {
    const auto guests = start_both(libvirt_host(), thin("alpha", {1}), thin("beta", {1}));
    const Guest &alpha = *guests.first, &beta = *guests.second;
    ASSERT_EQ(home_of(placement_of(alpha)), -1);
    // QEMU loaded the guest's kernel before the guest was confined to node 1.
    ASSERT_GT(placement_of(beta).memory_share[1], 0.8) << "the memory did not start on node 1";

    Daemon vnumad(acting);
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const int home_of_alpha = home_of(placement_of(alpha)),
              home_of_beta = home_of(placement_of(beta));
    EXPECT_GE(home_of_alpha, 0) << vnumad.output();
    EXPECT_GE(home_of_beta, 0) << vnumad.output();
    EXPECT_NE(home_of_alpha, home_of_beta);
}

TEST(TwoNodes, EachCellOfAGuestEndsOnItsOwnNode) {
    // The sizes differ, since the scenario cannot tell blocks of the same size apart.
    const Guest guest(libvirt_host(), {"cells", {{1, 256}, {1, 320}}, {0, 0}, 100});
    Daemon vnumad(acting);
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const int first = home_of(placement_of_cell(guest, 0)),
              second = home_of(placement_of_cell(guest, 1));
    EXPECT_GE(first, 0) << vnumad.output();
    EXPECT_GE(second, 0) << vnumad.output();
    EXPECT_NE(first, second);
}

TEST(TwoNodes, AGuestKilledInTheMiddleOfAMoveHarmsNobody) {
    const auto guests = start_both(libvirt_host(), thin("victim", {0, 1}), thin("other", {0, 1}));
    const Guest &victim = *guests.first, &other = *guests.second;
    // The rate is so low that the move still runs when the guest is killed.
    Daemon vnumad(std::string(acting) + "memory.rate = \"20M\"\n");
    const auto moving = [](const json& report) {
        const json guest = find_guest(report, "victim");
        for (const json& action : report.value("actions", json::array()))
            if (action["action"] == "move" && action["uuid"] == guest["uuid"] &&
                action["moved_bytes"] > 0)
                return action["moved_bytes"] < guest["cells"][0]["verdict"]["to_move_bytes"];
        return false;
    };
    ASSERT_FALSE(vnumad.wait_for(moving, settle_limit).is_null()) << vnumad.output();
    ASSERT_EQ(::kill(victim.pid(), SIGKILL), 0);

    const auto only_other = [](const json& report) {
        return report.contains("guests") && report["guests"].size() == 1;
    };
    EXPECT_FALSE(vnumad.wait_for(only_other, settle_limit).is_null()) << vnumad.output();
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    EXPECT_GE(home_of(placement_of(other)), 0);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST(TwoNodes, TheOwnersPinsAreNeverWidenedAndAStopRestoresThem) {
    const Guest guest(libvirt_host(), thin("owned", {0, 1}));
    const std::map<int, pid_t> threads = vcpu_threads(guest.pid());
    // The owner's CPUs are node 0 and one CPU of node 1, too few there for two vCPUs.
    std::vector<int> owners_cpus = node_cpus(0);
    owners_cpus.push_back(node_cpus(1)[0]);
    for (const auto& [vcpu, thread] : threads)
        set_affinity(thread, owners_cpus);
    Daemon vnumad(acting);
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(home_of(placement_of(guest)), 0) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0);
    for (const auto& [vcpu, thread] : threads)
        EXPECT_EQ(affinity_of(thread), owners_cpus);
}

TEST(TwoNodes, AStopInTheMiddleOfAMoveEndsCleanlyAndUndoesPins) {
    const Guest guest(libvirt_host(), thin("stopped", {0, 1}));
    const std::map<int, pid_t> threads = vcpu_threads(guest.pid());
    const std::vector<int> before = affinity_of(threads.at(0));
    Daemon vnumad(std::string(acting) + "memory.rate = \"20M\"\n");
    ASSERT_TRUE(wait_until([&] { return affinity_of(threads.at(0)) != before; }, settle_limit));
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    EXPECT_EQ(affinity_of(threads.at(0)), before);
}

TEST(TwoNodes, AnAffinityChangeByAnotherProgramWinsAtOnce) {
    const Guest guest(libvirt_host(), thin("repinned", {0, 1}));
    Daemon vnumad(acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const pid_t thread = vcpu_threads(guest.pid()).at(0);
    const std::vector<int> theirs{node_cpus(0)[0], node_cpus(1)[0]};
    set_affinity(thread, theirs);
    const auto left_alone = [](const json& report) {
        const json guest = find_guest(report, "repinned");
        return !guest.is_null() &&
               guest["unsteady"].get<std::string>().find("someone else") != std::string::npos;
    };
    EXPECT_FALSE(vnumad.wait_for(left_alone, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(affinity_of(thread), theirs);
    EXPECT_EQ(vnumad.stop(), 0);
    EXPECT_EQ(affinity_of(thread), theirs) << "stopping vnumad undid the change of another program";
}

TEST(TwoNodes, AGuestThatCanHaveNoHomeAnyMoreGetsItsCpusBack) {
    const Guest guest(libvirt_host(), thin("evicted", {0, 1}));
    std::vector<int> owners_cpus = node_cpus(0);
    owners_cpus.push_back(node_cpus(1)[0]);
    const std::map<int, pid_t> threads = vcpu_threads(guest.pid());
    for (const auto& [vcpu, thread] : threads)
        set_affinity(thread, owners_cpus);
    Daemon vnumad(acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    ASSERT_EQ(affinity_of(threads.at(0)), node_cpus(0));

    // The owner's CPUs allow only node 0 as a home. This cpuset allows only node 1 for memory.
    std::string group = read_text("/proc/" + std::to_string(guest.pid()) + "/cgroup");
    group = group.substr(group.find("::") + 2);
    group.erase(group.find('\n'));
    write_text("/sys/fs/cgroup" + group + "/cpuset.mems", "1");
    const auto not_allowed = [](const json& report) {
        const json guest = find_guest(report, "evicted");
        return !guest.is_null() && guest["cells"][0]["verdict"]["reason"] == "not-allowed";
    };
    EXPECT_FALSE(vnumad.wait_for(not_allowed, settle_limit).is_null()) << vnumad.output();
    EXPECT_TRUE(
        wait_until([&] { return affinity_of(threads.at(0)) == owners_cpus; }, settle_limit));
    EXPECT_EQ(affinity_of(threads.at(1)), owners_cpus);
}

TEST(TwoNodes, MemoryThatItsOwnerInterleavesIsLeftAlone) {
    GuestShape shape = thin("interleaved", {0, 1});
    shape.elements = "<numatune><memory mode='interleave' nodeset='0-1'/></numatune>";
    const Guest guest(libvirt_host(), shape);
    const std::vector<int> before = affinity_of(vcpu_threads(guest.pid()).at(0));
    Daemon vnumad(acting);
    const auto third = [](const json& report) { return report["tick"] >= 3; };
    const json report = vnumad.wait_for(third, settle_limit);
    const json interleaved = find_guest(report, "interleaved");
    ASSERT_FALSE(interleaved.is_null()) << vnumad.output();
    EXPECT_EQ(interleaved["unsteady"], "its owner interleaves its memory over nodes");
    EXPECT_TRUE(report["actions"].empty());
    EXPECT_EQ(affinity_of(vcpu_threads(guest.pid()).at(0)), before);
}

TEST(TwoNodes, ADryRunReportsAdvisedActionsAndChangesNothing) {
    const Guest guest(libvirt_host(), thin("watched", {0, 1}));
    const Placement before = placement_of(guest);
    const std::string recording = "/run/lab/recording.jsonl";
    Daemon vnumad(acting, {}, {"--dry-run", "--once", "--record", recording});
    const json report = vnumad.wait_for([](const json&) { return true; }, settle_limit);
    EXPECT_EQ(vnumad.wait_for_end(settle_limit), 0) << vnumad.output();
    const json watched = find_guest(report, "watched");
    ASSERT_FALSE(watched.is_null()) << vnumad.output();
    EXPECT_EQ(report["mode"], "advise");
    EXPECT_EQ(watched["cells"][0]["verdict"]["reason"], "first-home");
    EXPECT_GT(watched["cells"][0]["verdict"]["to_move_bytes"], 0);
    EXPECT_TRUE(report["actions"].empty());
    ASSERT_EQ(report["advised"].size(), 2U) << report["advised"];
    EXPECT_EQ(report["advised"][0]["action"], "pin");
    EXPECT_EQ(report["advised"][1]["action"], "move");
    EXPECT_EQ(placement_of(guest).vcpu_nodes, before.vcpu_nodes);
    EXPECT_LT(placement_of(guest).memory_share.at(0), 0.9);
    EXPECT_EQ(run_program({vnumad_program(), "--replay", recording}, "/run/lab/replay.log"), 0)
        << read_text("/run/lab/replay.log");
}

TEST(TwoNodes, TheWorkloadFollowsANewPatternAtRunTime) {
    Guest guest(libvirt_host(), thin("pattern", {0, 1}));
    // One thread reads the buffer that was the other's. The other thread and buffer end.
    guest.send(
        {{"buffers", {{"vcpu1", 120}}},
         {"threads", {{{"cpu", 0}, {"buffer", "vcpu1"}, {"write", false}, {"duty_percent", 10}}}}});
    json threads;
    EXPECT_TRUE(wait_until(
        [&] {
            threads = guest.next_report(settle_limit)["threads"];
            return threads.size() == 1 && threads[0]["accesses"] > 0;
        },
        settle_limit));
    ASSERT_EQ(threads.size(), 1U);
    EXPECT_EQ(threads[0]["cpu"], 0);
    EXPECT_EQ(threads[0]["buffer"], "vcpu1");
    EXPECT_GT(threads[0]["stall_us"], 0);
    guest.send(
        {{"buffers", json::object()},
         {"threads", {{{"cpu", 0}, {"buffer", "none"}, {"write", true}, {"duty_percent", 10}}}}});
    const auto read_ten_reports = [&] {
        for (int i = 0; i < 10; ++i)
            guest.next_report(settle_limit);
    };
    EXPECT_THROW(read_ten_reports(), std::runtime_error)
        << "the workload has accepted an invalid pattern";
}

TEST(TwoNodes, AGuestLeavesANodeWhoseCpuGoesOffline) {
    const Guest guest(libvirt_host(), thin("leaver", {1}));
    Daemon vnumad(acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const int home = home_of(placement_of(guest));
    ASSERT_GE(home, 0) << vnumad.output();
    // One CPU of the node is left, too few for two vCPUs.
    const std::string online =
        "/sys/devices/system/cpu/cpu" + std::to_string(node_cpus(home).back()) + "/online";
    write_text(online, "0");
    EXPECT_TRUE(wait_until([&] { return home_of(placement_of(guest)) == 1 - home; }, settle_limit))
        << vnumad.output();
    write_text(online, "1");
    const auto both_are_back = [&](const json& report) {
        return report.contains("nodes") && report["nodes"][home]["cpus"] == 2;
    };
    EXPECT_FALSE(vnumad.wait_for(both_are_back, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0);
}

TEST(TwoNodes, WithoutCapabilitiesVnumadNamesTheMissingOnesAndEnds) {
    Daemon vnumad(acting,
                  {"setpriv", "--bounding-set", "-sys_nice,-sys_ptrace", "--inh-caps", "-all"});
    EXPECT_EQ(vnumad.wait_for_end(settle_limit), 1);
    EXPECT_NE(vnumad.output().find("CAP_SYS_PTRACE is missing"), std::string::npos)
        << vnumad.output();
    EXPECT_NE(vnumad.output().find("CAP_SYS_NICE is missing"), std::string::npos);
}

TEST(TwoNodes, WithoutLibvirtVnumadReportsItAndGoesOn) {
    Daemon vnumad(std::string(acting) +
                  "source = \"libvirt\"\n[libvirt]\nuri = "
                  "\"qemu+unix:///system?socket=/run/nobody-listens\"\n");
    const auto blind = [](const json& report) { return report.contains("blind"); };
    const json report = vnumad.wait_for(blind, settle_limit);
    ASSERT_FALSE(report.is_null());
    EXPECT_NE(report["blind"].get<std::string>().find("/run/nobody-listens"), std::string::npos);
    EXPECT_FALSE(vnumad.wait_for(blind, settle_limit).is_null()) << "vnumad did not go on";
    EXPECT_EQ(vnumad.stop(), 0);
}

TEST(TwoNodes, AnIothreadGoesHomeWithTheCellWhoseDiskItServes) {
    const Guest guest(libvirt_host(), with_disks_of_cells("disks"));
    Daemon vnumad(acting);
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    EXPECT_TRUE(let_pass(vnumad, 2)) << vnumad.output();
    std::set<int> homes;
    int iothreads = 0;
    for (const int cell : {0, 1}) {
        const int home = home_of(placement_of_cell(guest, static_cast<std::size_t>(cell)));
        ASSERT_GE(home, 0) << vnumad.output();
        homes.insert(home);
        const std::string name = "IO iothread" + std::to_string(cell + 1) + "\n";
        for (const auto& [thread, cpus] : affinities_of(guest))
            if (read_text("/proc/" + std::to_string(thread) + "/comm") == name) {
                EXPECT_EQ(cpus, node_cpus(home)) << name << vnumad.output();
                ++iothreads;
            }
    }
    EXPECT_EQ(homes.size(), 2U) << vnumad.output();
    EXPECT_EQ(iothreads, 2);
}

}  // namespace
}  // namespace vnuma::lab
