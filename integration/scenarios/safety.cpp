// Scenarios about what vnumad leaves behind, and about who wins: on a host with two nodes of two
// CPUs each.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "integration/demo/picture.hpp"
#include "integration/host/files.hpp"
#include "integration/host/kdamonds.hpp"
#include "integration/host/process.hpp"
#include "integration/scenarios/scenario.hpp"
#include "integration/scenarios/scenario_guests.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

constexpr const char* command_log = "/run/lab/command.log";

// The memory of its two vCPUs starts on different nodes.
GuestShape on_both_nodes(const std::string& name) {
    return {name, {{2, 384}}, {0, 1}, 100};
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// As migratepages(8) does.
void migrate_pages(pid_t pid, int from, int to) {
    const unsigned long old_nodes = 1UL << from, new_nodes = 1UL << to;
    ASSERT_GE(::syscall(SYS_migrate_pages, pid, 8 * sizeof old_nodes, &old_nodes, &new_nodes), 0);
}

// Threads of the programs with this name.
std::vector<pid_t> threads_of_program(const std::string& name) {
    std::vector<pid_t> threads;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        if (read_text(entry.path() / "comm") != name + "\n") continue;
        const std::vector<pid_t> tasks = tasks_of(std::stoi(entry.path().filename()));
        threads.insert(threads.end(), tasks.begin(), tasks.end());
    }
    return threads;
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
    const Restoration restored = run_restore();
    EXPECT_EQ(restored.status, 0) << restored.output;
    EXPECT_EQ(affinities_of(guest), before) << restored.output;
    EXPECT_EQ(kdamonds(), 0);
    EXPECT_TRUE(contains(restored.output, "guest guarded, thread")) << restored.output;
    std::printf("vnumad --restore after kill -9:\n%s", restored.output.c_str());
    const Restoration again = run_restore();
    EXPECT_EQ(again.status, 0);
    EXPECT_EQ(again.output, "") << "there is nothing left to put back";
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Safety, WhatAKilledVnumadLeavesIsPutBackAtTheNextStart) {
    {
        Daemon vnumad(acting);
        settle(vnumad);
        kill(vnumad);
    }
    Daemon vnumad(observing);
    ASSERT_TRUE(let_pass(vnumad, 1)) << vnumad.output();
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
    EXPECT_EQ(run_restore({"--unless-kept"}).status, 0);
    EXPECT_EQ(affinities_of(guest), pinned);
    EXPECT_EQ(run_restore().status, 0);
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

// Its pid file tells that it runs; it goes into the background by itself, and pins guests as it
// likes.
TEST_F(Safety, NothingIsDoneWhileNumadRunsAndItIsNamed) {
    ASSERT_EQ(run_program({"numad", "-i", "60"}, command_log), 0) << read_text(command_log);
    const auto numad = [] { return std::atoi(read_text("/run/numad.pid").c_str()); };
    ASSERT_TRUE(wait_until([&] { return numad() > 0; }, settle_limit));
    Daemon vnumad(acting);
    const auto acts = [](const json& report) { return !report.at("actions").empty(); };
    EXPECT_TRUE(vnumad.wait_for(acts, std::chrono::seconds(15)).is_null()) << vnumad.output();
    EXPECT_TRUE(contains(vnumad.output(), "numad runs as process " + std::to_string(numad())))
        << vnumad.output();
    ASSERT_EQ(::kill(numad(), SIGTERM), 0);
    settle(vnumad);
    EXPECT_GE(node_of_vcpu(0), 0);
}

// `program` is what libvirt starts for such a guest beside QEMU.
void expect_helper_goes_home_and_back(const GuestShape& shape, const std::string& program) {
    Guest guest(libvirt_host(), shape);
    const std::vector<pid_t> helpers = threads_of_program(program);
    ASSERT_FALSE(helpers.empty());
    const std::vector<int> all_cpus = affinity_of(helpers.front());
    Daemon vnumad(acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const int home = placement_of(guest).vcpu_nodes.at(0);
    ASSERT_GE(home, 0);
    const auto at_home = [&] {
        for (const pid_t helper : threads_of_program(program))
            if (affinity_of(helper) != node_cpus(home)) return false;
        return true;
    };
    EXPECT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
    ASSERT_EQ(::kill(vnumad.pid(), SIGKILL), 0);
    ASSERT_EQ(vnumad.wait_for_end(settle_limit), 128 + SIGKILL);
    const Restoration restored = run_restore();
    EXPECT_EQ(restored.status, 0) << restored.output;
    for (const pid_t helper : threads_of_program(program))
        EXPECT_EQ(affinity_of(helper), all_cpus) << restored.output;
    EXPECT_TRUE(guest.is_at_work());
}

TEST(SafetyOfHelpers, GoHomeWithTheirGuestAndGetBackWhatTheyHad) {
    GuestShape shape = on_both_nodes("shares");
    shape.elements = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>";
    shape.devices =
        "<filesystem type='mount'><driver type='virtiofs'/><source dir='/etc'/>"
        "<target dir='etc'/></filesystem>";
    expect_helper_goes_home_and_back(shape, "virtiofsd");
}

TEST(SafetyOfHelpers, ThatEmulateATpmGoHomeTooAndGetBackWhatTheyHad) {
    GuestShape shape = on_both_nodes("trusts");
    shape.devices = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>";
    expect_helper_goes_home_and_back(shape, "swtpm");
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
        ASSERT_TRUE(let_pass(vnumad, 6)) << vnumad.output();
        EXPECT_EQ(affinity_of(vcpu), all_cpus);
        EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    }
    Daemon vnumad(acting);
    ASSERT_TRUE(let_pass(vnumad, 6)) << vnumad.output();
    EXPECT_EQ(affinity_of(vcpu), all_cpus) << "a restart does not forget";
    std::filesystem::remove(hands_off_directory + guest.uuid());
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
        ASSERT_EQ(run_program({"virsh", "vcpupin", "guarded", vcpu, cpus, "--live"}, command_log),
                  0)
            << read_text(command_log);
    const auto noticed = [&] {
        return std::filesystem::exists(hands_off_directory + guest.uuid());
    };
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
    const auto noticed = [&] {
        return std::filesystem::exists(hands_off_directory + guest.uuid());
    };
    EXPECT_TRUE(wait_until(noticed, settle_limit)) << vnumad.output();
    ASSERT_TRUE(let_pass(vnumad, 6)) << vnumad.output();
    EXPECT_GT(placement_of(guest).memory_share[other], 0.9) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Safety, WhileFrozenNothingIsDone) {
    ASSERT_EQ(run_program({"touch", freeze_file}, command_log), 0);
    Daemon vnumad(acting);
    ASSERT_TRUE(let_pass(vnumad, 5)) << vnumad.output();
    EXPECT_EQ(affinities_of(guest), before);
    ASSERT_EQ(::kill(vnumad.pid(), SIGUSR2), 0);
    settle(vnumad);
    EXPECT_FALSE(std::filesystem::exists(freeze_file));
    const auto pinned = affinities_of(guest);
    ASSERT_EQ(::kill(vnumad.pid(), SIGUSR1), 0);
    const auto frozen = [](const json& report) { return report.contains("frozen"); };
    EXPECT_FALSE(vnumad.wait_for(frozen, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(affinities_of(guest), pinned);
    std::filesystem::remove(freeze_file);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    EXPECT_EQ(affinities_of(guest), before);
}

// libvirt pins what it knows; the rest follows by cpusets.
class SafetyByLibvirt : public Safety {
  protected:
    // The CPUs of vCPU "0", or of the emulator "*:", as virsh shows them.
    static std::string virsh_shows(const std::string& command, const std::string& thread) {
        write_text(command_log, "");
        EXPECT_EQ(run_program({"virsh", command, "guarded"}, command_log), 0);
        std::istringstream lines(read_text(command_log));
        for (std::string line, first, cpus; std::getline(lines, line);)
            if (std::istringstream(line) >> first >> cpus && first == thread) return cpus;
        return read_text(command_log);
    }
    static std::string range(const std::vector<int>& cpus) {
        return std::to_string(cpus.front()) + "-" + std::to_string(cpus.back());
    }
    void expect_pins(const std::vector<int>& cpus) {
        EXPECT_EQ(virsh_shows("vcpupin", "0"), range(cpus));
        EXPECT_EQ(virsh_shows("vcpupin", "1"), range(cpus));
        EXPECT_EQ(virsh_shows("emulatorpin", "*:"), range(cpus));
        for (const auto& [thread, allowed] : affinities_of(guest))
            EXPECT_EQ(allowed, cpus) << "thread " << thread;
    }
    // Waits until all threads are home and several looks have found nothing to object to.
    void bring_home(Daemon& vnumad) {
        settle(vnumad);
        const int home = home_of(placement_of(guest));
        ASSERT_GE(home, 0);
        home_cpus = node_cpus(home);
        const auto at_home = [&] {
            for (const auto& [thread, cpus] : affinities_of(guest))
                if (cpus != home_cpus) return false;
            return true;
        };
        EXPECT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
        ASSERT_TRUE(let_pass(vnumad, 3)) << vnumad.output();
        EXPECT_FALSE(std::filesystem::exists(hands_off_directory + guest.uuid()))
            << vnumad.output();
        expect_pins(home_cpus);
    }

    const std::string config = std::string("pin = \"libvirt\"\n") + acting;
    std::vector<int> home_cpus;
};

TEST_F(SafetyByLibvirt, VirshShowsTheHomeAndAStopGivesAllCpusBack) {
    Daemon vnumad(config);
    bring_home(vnumad);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_pins(all_cpus);
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(SafetyByLibvirt, WhatAKilledVnumadLeavesIsPutBackByRestore) {
    Daemon vnumad(config);
    bring_home(vnumad);
    kill(vnumad);
    libvirt_host().end_libvirtd(SIGKILL);
    const Restoration refused = run_restore();
    EXPECT_EQ(refused.status, 1) << "libvirt has to put it back";
    EXPECT_TRUE(contains(refused.output, "once libvirt answers")) << refused.output;
    libvirt_host().start_libvirtd();
    const Restoration restored = run_restore();
    EXPECT_EQ(restored.status, 0) << restored.output;
    EXPECT_TRUE(contains(restored.output, "libvirt allows it CPUs")) << restored.output;
    expect_pins(all_cpus);
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(SafetyByLibvirt, WhatVirshVcpupinSetsWinsEvenIfItIsWhatWasThereBefore) {
    Daemon vnumad(config);
    bring_home(vnumad);
    ASSERT_EQ(
        run_program({"virsh", "vcpupin", "guarded", "0", range(all_cpus), "--live"}, command_log),
        0)
        << read_text(command_log);
    const auto noticed = [&] {
        return std::filesystem::exists(hands_off_directory + guest.uuid());
    };
    EXPECT_TRUE(wait_until(noticed, settle_limit)) << vnumad.output();
    ASSERT_TRUE(let_pass(vnumad, 3)) << vnumad.output();
    EXPECT_EQ(virsh_shows("vcpupin", "0"), range(all_cpus));
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_pins(all_cpus);
}

TEST_F(Safety, ASecondActingVnumadDoesNotStart) {
    Daemon vnumad(acting);
    settle(vnumad);
    const auto pinned = affinities_of(guest);
    Daemon second(acting);
    EXPECT_EQ(second.wait_for_end(settle_limit), 1);
    EXPECT_TRUE(contains(second.output(), "another vnumad acts on this host")) << second.output();
    EXPECT_EQ(run_restore().status, 1) << "the first one still needs its journal";
    EXPECT_EQ(affinities_of(guest), pinned);
}

}  // namespace
}  // namespace vnuma::lab
