// Scenarios about what vnumad leaves behind, and about who wins: on a host with two nodes of two
// CPUs each.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "integration/demo/picture.hpp"
#include "integration/host/files.hpp"
#include "integration/host/kdamonds.hpp"
#include "integration/host/process.hpp"
#include "integration/scenarios/scenario.hpp"
#include "integration/scenarios/scenario_guests.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

constexpr const char* restore_log = "/run/lab/restore.log";
constexpr const char* hands_off = "/run/vnumad/hands-off/";

// The memory of its two vCPUs starts on different nodes.
GuestShape on_both_nodes(const std::string& name) {
    return {name, {{2, 384}}, {0, 1}, 100};
}

int run_restore() {
    write_text(restore_log, "");
    return run_program({vnumad_program(), "--restore"}, restore_log);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// As migratepages(8) does.
void migrate_pages(pid_t pid, int from, int to) {
    const unsigned long old_nodes = 1UL << from, new_nodes = 1UL << to;
    ASSERT_GE(::syscall(SYS_migrate_pages, pid, 8 * sizeof old_nodes, &old_nodes, &new_nodes), 0);
}

// A guest that vnumad has brought home.
class Safety : public ::testing::Test {
  protected:
    void settle(Daemon& vnumad) {
        ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    }
    void kill(Daemon& vnumad) {
        ASSERT_EQ(::kill(vnumad.pid(), SIGKILL), 0);
        ASSERT_EQ(vnumad.wait_for_end(settle_limit), 128 + SIGKILL);
    }
    // Waits for so many reports, which tells that vnumad has had as many chances to act.
    void let_pass(Daemon& vnumad, int reports) {
        vnumad.take_reports();
        for (int i = 0; i < reports; ++i)
            ASSERT_FALSE(vnumad.wait_for([](const json&) { return true; }, settle_limit).is_null())
                << vnumad.output();
    }
    int node_of_vcpu(int vcpu) const {
        return placement_of(guest).vcpu_nodes.at(static_cast<std::size_t>(vcpu));
    }

    Guest guest{libvirt_host(), on_both_nodes("guarded")};
    const std::map<pid_t, std::vector<int>> before = affinities_of(guest);
    const std::vector<int> all_cpus = before.at(guest.vcpu_threads().at(0));
};

TEST_F(Safety, WhatAKilledVnumadLeavesIsPutBackByRestore) {
    Daemon vnumad(acting);
    settle(vnumad);
    kill(vnumad);
    EXPECT_GE(node_of_vcpu(0), 0) << "pinned";
    EXPECT_GT(kdamonds(), 0);
    EXPECT_EQ(run_restore(), 0) << read_text(restore_log);
    EXPECT_EQ(affinities_of(guest), before) << read_text(restore_log);
    EXPECT_EQ(kdamonds(), 0);
    EXPECT_TRUE(contains(read_text(restore_log), "guest guarded, thread"))
        << read_text(restore_log);
    std::printf("vnumad --restore after kill -9:\n%s", read_text(restore_log).c_str());
    EXPECT_EQ(run_restore(), 0);
    EXPECT_EQ(read_text(restore_log), "") << "there is nothing left to put back";
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Safety, WhatAKilledVnumadLeavesIsPutBackAtTheNextStart) {
    {
        Daemon vnumad(acting);
        settle(vnumad);
        kill(vnumad);
    }
    Daemon vnumad(observing);
    let_pass(vnumad, 1);
    EXPECT_EQ(affinities_of(guest), before) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Safety, APinThatIsKeptAtAStopIsPutBackByTheNextStart) {
    const std::string config = std::string("on_stop = \"keep\"\n") + acting;
    Daemon vnumad(config);
    settle(vnumad);
    const auto pinned = affinities_of(guest);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    EXPECT_EQ(affinities_of(guest), pinned);
    EXPECT_EQ(run_program({vnumad_program(), "--restore", "--unless-kept"}, restore_log), 0);
    EXPECT_EQ(affinities_of(guest), pinned);
    EXPECT_EQ(run_restore(), 0);
    EXPECT_EQ(affinities_of(guest), before);
}

// The threads that serve the guest go with its vCPUs, and all of them are given back.
TEST_F(Safety, AllThreadsOfAGuestGoHomeAndGetBackWhatTheyHad) {
    Daemon vnumad(acting);
    settle(vnumad);
    const int home = home_of(placement_of(guest));
    ASSERT_GE(home, 0);
    const auto at_home = [&] {
        for (const auto& [thread, cpus] : affinities_of(guest))
            if (cpus != node_cpus(home)) return false;
        return true;
    };
    EXPECT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    for (const auto& [thread, cpus] : affinities_of(guest))
        EXPECT_EQ(cpus, all_cpus) << "thread " << thread;
}

TEST_F(Safety, AnAdministratorsAffinityWinsWhateverItsValueUntilTheySayOtherwise) {
    const pid_t vcpu = guest.vcpu_threads().at(0);
    {
        Daemon vnumad(acting);
        settle(vnumad);
        set_affinity(vcpu, all_cpus);  // the value from before
        const json left = wait_for_guest(vnumad, "guarded", [](const json& seen) {
            return is_unsteady_because(seen, "someone else changed the CPUs of vCPU 0");
        });
        ASSERT_FALSE(left.is_null()) << vnumad.output();
        let_pass(vnumad, 6);
        EXPECT_EQ(affinity_of(vcpu), all_cpus);
        EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    }
    Daemon vnumad(acting);
    let_pass(vnumad, 6);
    EXPECT_EQ(affinity_of(vcpu), all_cpus) << "a restart does not forget";
    std::filesystem::remove(hands_off + guest.uuid());
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    EXPECT_GE(node_of_vcpu(0), 0);
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Safety, WhatVirshVcpupinSetsStaysEvenIfItIsTheSame) {
    Daemon vnumad(acting);
    settle(vnumad);
    const int home = home_of(placement_of(guest));
    ASSERT_GE(home, 0);
    std::string cpus;
    for (const int cpu : node_cpus(home))
        cpus += (cpus.empty() ? "" : ",") + std::to_string(cpu);
    for (const char* vcpu : {"0", "1"})
        ASSERT_EQ(run_program({"virsh", "vcpupin", "guarded", vcpu, cpus, "--live"}, restore_log),
                  0)
            << read_text(restore_log);
    const auto noticed = [&] { return std::filesystem::exists(hands_off + guest.uuid()); };
    EXPECT_TRUE(wait_until(noticed, settle_limit)) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    for (const auto& [vcpu, thread] : guest.vcpu_threads())
        EXPECT_EQ(affinity_of(thread), node_cpus(home)) << "vCPU " << vcpu;
}

TEST_F(Safety, MemoryThatAnAdministratorMovesStaysWhereItIs) {
    Daemon vnumad(acting);
    settle(vnumad);
    const int home = home_of(placement_of(guest));
    ASSERT_GE(home, 0);
    const int other = 1 - home;
    migrate_pages(guest.pid(), home, other);
    const auto noticed = [&] { return std::filesystem::exists(hands_off + guest.uuid()); };
    EXPECT_TRUE(wait_until(noticed, settle_limit)) << vnumad.output();
    let_pass(vnumad, 6);
    EXPECT_GT(placement_of(guest).memory_share[other], 0.9) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Safety, WhileFrozenNothingIsDone) {
    ASSERT_EQ(run_program({"touch", "/run/vnumad/freeze"}, restore_log), 0);
    Daemon vnumad(acting);
    let_pass(vnumad, 5);
    EXPECT_EQ(affinities_of(guest), before);
    ASSERT_EQ(::kill(vnumad.pid(), SIGUSR2), 0);
    settle(vnumad);
    EXPECT_FALSE(std::filesystem::exists("/run/vnumad/freeze"));
    const auto pinned = affinities_of(guest);
    ASSERT_EQ(::kill(vnumad.pid(), SIGUSR1), 0);
    const auto frozen = [](const json& report) { return report.contains("frozen"); };
    EXPECT_FALSE(vnumad.wait_for(frozen, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(affinities_of(guest), pinned);
    std::filesystem::remove("/run/vnumad/freeze");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    EXPECT_EQ(affinities_of(guest), before);
}

TEST_F(Safety, ASecondActingVnumadDoesNotStart) {
    Daemon vnumad(acting);
    settle(vnumad);
    const auto pinned = affinities_of(guest);
    Daemon second(acting);
    EXPECT_EQ(second.wait_for_end(settle_limit), 1);
    EXPECT_TRUE(contains(second.output(), "another vnumad acts on this host")) << second.output();
    EXPECT_EQ(run_restore(), 1) << "the first one still needs its journal";
    EXPECT_EQ(affinities_of(guest), pinned);
}

}  // namespace
}  // namespace vnuma::lab
