// Scenarios about what hosts, owners and daemons do in the middle of a move, on a host with two
// nodes of two CPUs each. The guests verify their own memory. Each scenario ends with vnumad
// stopped, and with nothing left behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/scenarios/ordered_move.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* state_directory = "/run/vnumad";

bool is_blind(const json& report) {
    return report.contains("blind");
}

void pause_guest(Guest& guest, Daemon& vnumad) {
    guest.pause();
    const auto paused = [](const json& seen) { return field(seen, "/state") == "paused"; };
    EXPECT_FALSE(wait_for_guest(vnumad, guest.name(), paused).is_null());
    const auto there = placement_of(guest).memory_bytes;
    EXPECT_TRUE(let_pass(vnumad, 2));
    EXPECT_EQ(placement_of(guest).memory_bytes, there);
    guest.resume();
}

// As an upgrade does.
void restart_libvirtd(Guest&, Daemon& vnumad) {
    libvirt_host().end_libvirtd(SIGTERM);
    EXPECT_FALSE(vnumad.wait_for(is_blind, settle_limit).is_null());
    libvirt_host().start_libvirtd();
}

void kill_libvirtd(Guest&, Daemon& vnumad) {
    libvirt_host().end_libvirtd(SIGKILL);
    EXPECT_FALSE(vnumad.wait_for(is_blind, settle_limit).is_null());
    libvirt_host().start_libvirtd();
}

void freeze_libvirtd(Guest&, Daemon& vnumad) {
    const StoppedProcess frozen(libvirt_host().libvirtd_pid());
    EXPECT_FALSE(vnumad.wait_for(is_blind, settle_limit).is_null());
}

void stop_vnumad(Daemon& vnumad, seconds time) {
    const StoppedProcess stopped(vnumad.pid());
    wait_until([] { return false; }, time);
}

void stop_vnumad_for_some_ticks(Guest&, Daemon& vnumad) {
    stop_vnumad(vnumad, seconds(5));
}

void stop_vnumad_for_a_minute(Guest&, Daemon& vnumad) {
    stop_vnumad(vnumad, seconds(60));
}

void set_clock(seconds by) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += by.count();
    ASSERT_EQ(::clock_settime(CLOCK_REALTIME, &now), 0);
}

void set_clock_back_and_forth(Guest&, Daemon& vnumad) {
    constexpr seconds day{86400};
    for (const seconds by : {day, -2 * day, day}) {
        set_clock(by);
        EXPECT_TRUE(let_pass(vnumad, 2));
    }
}

// What is open stays open, and nothing can be opened. Numbers below the limit are those of what
// stays open for as long as vnumad runs.
void exhaust_descriptors(Guest& guest, Daemon& vnumad) {
    const pid_t vcpu = guest.vcpu_threads().at(0);
    const auto pinned = affinity_of(vcpu);
    rlimit before{};
    ASSERT_EQ(::prlimit(vnumad.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
    const rlimit none{8, before.rlim_max};
    ASSERT_EQ(::prlimit(vnumad.pid(), RLIMIT_NOFILE, &none, nullptr), 0);
    const auto told = [](const json& report) {
        return report.value("blind", "").find("Too many open files") != std::string::npos;
    };
    EXPECT_FALSE(vnumad.wait_for(told, settle_limit).is_null());
    EXPECT_EQ(affinity_of(vcpu), pinned);
    ASSERT_EQ(::prlimit(vnumad.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
}

void set_online(int node, bool online) {
    static std::map<int, std::vector<int>> cpus;
    if (!online) cpus[node] = node_cpus(node);
    for (const int cpu : cpus[node])
        write_text("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/online",
                   online ? "1" : "0");
}

// Node 0 has CPU 0, which stays online.
void offline_a_node(Guest&, Daemon& vnumad) {
    for (const bool online : {false, true}) {
        set_online(1, online);
        const auto seen = [&](const json& report) {
            return field(report, "/nodes/1/cpus") == (online ? 2 : 0);
        };
        EXPECT_FALSE(vnumad.wait_for(seen, settle_limit).is_null());
        EXPECT_TRUE(let_pass(vnumad, 2));
    }
}

void save_guest(Guest& guest, Daemon& vnumad) {
    guest.save();
    const auto nobody = [](const json& report) {
        return report.contains("guests") && report["guests"].empty();
    };
    EXPECT_FALSE(vnumad.wait_for(nobody, settle_limit).is_null());
    guest.restore();
}

struct Event {
    const char* name;
    void (*happen)(Guest&, Daemon&);
};

std::ostream& operator<<(std::ostream& out, const Event& event) {
    return out << event.name;
}

class InTheMiddleOfAMove : public ::testing::TestWithParam<Event> {
  protected:
    static void SetUpTestSuite() {
        guest = std::make_unique<Guest>(libvirt_host(), verifying("moved"));
    }
    static void TearDownTestSuite() {
        guest.reset();
        std::filesystem::remove(policy_file);
    }
    static inline std::unique_ptr<Guest> guest;
};

TEST_P(InTheMiddleOfAMove, HarmsNothingAndTheMoveGoesOn) {
    const int home = other_node(*guest);
    order_home(*guest, std::to_string(home));
    Daemon vnumad(ordered(slowly));
    ASSERT_TRUE(begin_move(vnumad, *guest)) << vnumad.output();
    GetParam().happen(*guest, vnumad);
    const auto at_home = [&] { return home_of(placement_of(*guest)) == home; };
    EXPECT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
    EXPECT_EQ(guest->verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(*guest);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, InTheMiddleOfAMove,
    ::testing::Values(Event{"TheGuestIsPaused", pause_guest},
                      Event{"LibvirtdIsRestarted", restart_libvirtd},
                      Event{"LibvirtdIsKilled", kill_libvirtd},
                      Event{"LibvirtdIsFrozen", freeze_libvirtd},
                      Event{"VnumadIsStoppedForSomeTicks", stop_vnumad_for_some_ticks},
                      Event{"VnumadIsStoppedForAMinute", stop_vnumad_for_a_minute},
                      Event{"TheClockIsSetBackAndForth", set_clock_back_and_forth},
                      Event{"DescriptorsRunOut", exhaust_descriptors},
                      Event{"ANodeGoesOfflineAndComesBack", offline_a_node},
                      Event{"TheGuestIsSavedAndRestored", save_guest}),
    [](const auto& info) { return std::string(info.param.name); });

// System calls of vnumad that strace makes fail.
struct Injection {
    const char* name;
    const char* what;   // strace's words
    const char* error;  // of an action; nullptr: none is told
};

std::ostream& operator<<(std::ostream& out, const Injection& injection) {
    return out << injection.name;
}

// Makes the calls of all threads of a process fail, until it is destroyed.
class Injector {
  public:
    Injector(pid_t process, const std::string& what) {
        std::filesystem::remove(log_);
        strace_ =
            start_program({"strace", "-f", "-qq", "-o", log_, "-p", std::to_string(process), "-e",
                           "trace=move_pages,sched_setaffinity", "-e", "inject=" + what},
                          "/run/lab/strace");
        EXPECT_TRUE(wait_until([&] { return traces_all(process); }, settle_limit));
    }
    ~Injector() { end_program(strace_, settle_limit); }
    Injector(const Injector&) = delete;
    Injector& operator=(const Injector&) = delete;

    static bool has_injected() {
        const std::string log = read_text(log_);
        return log.find("(INJECTED)") != std::string::npos ||
               log.find("(DELAYED)") != std::string::npos;
    }

  private:
    static bool traces_all(pid_t process) {
        for (const pid_t thread : tasks_of(process)) {
            const std::string status = read_text("/proc/" + std::to_string(thread) + "/status");
            if (status.find("\nTracerPid:\t0\n") != std::string::npos) return false;
        }
        return true;
    }

    static constexpr const char* log_ = "/run/lab/strace.log";
    pid_t strace_ = -1;
};

class InjectedIntoVnumad : public ::testing::TestWithParam<Injection> {
  protected:
    static void SetUpTestSuite() {
        guest = std::make_unique<Guest>(libvirt_host(), verifying("injected"));
    }
    static void TearDownTestSuite() {
        guest.reset();
        std::filesystem::remove(policy_file);
    }
    static bool is_told(Daemon& vnumad) {
        const auto told = [](const json& report) {
            for (const json& action : report.value("actions", json::array()))
                if (action.value("error", "").starts_with(GetParam().error)) return true;
            return false;
        };
        return !vnumad.wait_for(told, settle_limit).is_null();
    }
    static inline std::unique_ptr<Guest> guest;
};

TEST_P(InjectedIntoVnumad, IsToldAndMadeUpFor) {
    const int home = other_node(*guest);
    order_home(*guest, std::to_string(home));
    write_text(freeze_file, "");
    // While strace stops vnumad at each of its calls, a look takes longer than a second.
    Daemon vnumad(ordered("",
                          "mode = \"act\"\ninterval = \"5s\"\npolicy.memory = \"eager\"\n"
                          "memory.felt = 0.5\n"));
    EXPECT_TRUE(let_pass(vnumad, 1)) << vnumad.output();
    {
        const Injector injector(vnumad.pid(), GetParam().what);
        std::filesystem::remove(freeze_file);
        EXPECT_TRUE(wait_until(Injector::has_injected, settle_limit)) << vnumad.output();
        if (GetParam().error) {
            EXPECT_TRUE(is_told(vnumad)) << vnumad.output();
        }
    }
    const auto at_home = [&] { return home_of(placement_of(*guest)) == home; };
    EXPECT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
    EXPECT_EQ(guest->verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(*guest);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, InjectedIntoVnumad,
    ::testing::Values(
        Injection{"MovePagesENOMEM", "move_pages:error=ENOMEM",
                  "move_pages: Cannot allocate memory"},
        Injection{"MovePagesEPERM", "move_pages:error=EPERM",
                  "move_pages: Operation not permitted"},
        Injection{"MovePagesESRCH", "move_pages:error=ESRCH", "move_pages: No such process"},
        Injection{"MovePagesENODEV", "move_pages:error=ENODEV", "move_pages: No such device"},
        Injection{"MovePagesEACCES", "move_pages:error=EACCES", "move_pages: Permission denied"},
        Injection{"MovePagesEINTR", "move_pages:error=EINTR",
                  "move_pages: Interrupted system call"},
        Injection{"MovePagesTakesHalfASecond", "move_pages:delay_enter=500000", nullptr},
        Injection{"SetAffinityEPERM", "sched_setaffinity:error=EPERM",
                  "vCPU 0: sched_setaffinity: Operation not permitted"},
        Injection{"SetAffinityEINVAL", "sched_setaffinity:error=EINVAL",
                  "vCPU 0: sched_setaffinity: Invalid argument"},
        Injection{"SetAffinityESRCH", "sched_setaffinity:error=ESRCH", nullptr}),
    [](const auto& info) { return std::string(info.param.name); });

class Faults : public ::testing::Test {
  protected:
    Faults() { order_home(guest, "1"); }
    ~Faults() override { std::filesystem::remove(policy_file); }

    bool comes_to(int node) const {
        return wait_until([&] { return home_of(placement_of(guest)) == node; }, settle_limit);
    }

    Guest guest{libvirt_host(), verifying("faulty")};
};

TEST_F(Faults, AVnumadThatIsKilledInTheMiddleOfAMoveLeavesNothingThatARestoreDoesNotPutBack) {
    {
        Daemon vnumad(ordered(slowly));
        ASSERT_TRUE(begin_move(vnumad, guest)) << vnumad.output();
        ASSERT_EQ(::kill(vnumad.pid(), SIGKILL), 0);
        ASSERT_EQ(vnumad.wait_for_end(settle_limit), 128 + SIGKILL);
    }
    EXPECT_EQ(run_restore().status, 0);
    expect_nothing_left(guest);
    EXPECT_EQ(guest.verify_memory(), "");
    Daemon vnumad(ordered(""));
    EXPECT_TRUE(comes_to(1)) << vnumad.output();
    EXPECT_EQ(guest.verify_memory(), "");
}

TEST_F(Faults, AnOwnerWhoPinsAVcpuInTheMiddleOfAMoveWins) {
    const pid_t vcpu = guest.vcpu_threads().at(0);
    const auto before = affinities_of(guest);
    Daemon vnumad(ordered(slowly));
    ASSERT_TRUE(begin_move(vnumad, guest)) << vnumad.output();
    set_affinity(vcpu, {0});
    const auto left_alone = [](const json& seen) {
        return is_unsteady_because(seen, "someone else changed the CPUs of vCPU 0 to 0");
    };
    EXPECT_FALSE(wait_for_guest(vnumad, "faulty", left_alone).is_null()) << vnumad.output();
    EXPECT_TRUE(let_pass(vnumad, 3));
    EXPECT_EQ(affinity_of(vcpu), std::vector<int>{0});
    EXPECT_EQ(guest.verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    for (const auto& [thread, cpus] : affinities_of(guest))
        EXPECT_EQ(cpus, thread == vcpu ? std::vector<int>{0} : before.at(vcpu));
    EXPECT_TRUE(std::filesystem::remove(hands_off_directory + guest.uuid()));
}

// A state directory of its own, with room for so many files of one page.
class SmallStateDirectory {
  public:
    explicit SmallStateDirectory(int pages) {
        std::filesystem::create_directories(state_directory);
        mount("size=" + std::to_string(pages * 4) + "k,mode=755", 0);
    }
    ~SmallStateDirectory() { unmount(); }
    SmallStateDirectory(const SmallStateDirectory&) = delete;
    SmallStateDirectory& operator=(const SmallStateDirectory&) = delete;

    void make_read_only(bool on) const { mount("", MS_REMOUNT | (on ? MS_RDONLY : 0)); }
    void unmount() const { ::umount2(state_directory, MNT_DETACH); }

  private:
    static void mount(const std::string& options, unsigned long flags) {
        if (::mount("none", state_directory, "tmpfs", flags, options.c_str()) != 0)
            throw std::system_error(errno, std::generic_category(), state_directory);
    }
};

TEST_F(Faults, WithoutRoomForItsJournalVnumadChangesNothingAndSaysWhy) {
    const auto before = affinities_of(guest);
    const SmallStateDirectory directory(3);
    directory.make_read_only(true);
    {
        Daemon refused(ordered(""));
        EXPECT_EQ(refused.wait_for_end(settle_limit), 1);
        EXPECT_NE(refused.output().find("Read-only file system"), std::string::npos)
            << refused.output();
    }
    directory.make_read_only(false);

    const std::string filler = std::string(state_directory) + "/filler";
    write_text(filler, std::string(8192, 'x'));  // the other page is the lock's
    Daemon vnumad(ordered(""));
    const auto told = [](const json& report) {
        return field(report, "/actions/0/error").dump().find("No space left on device") !=
               std::string::npos;
    };
    EXPECT_FALSE(vnumad.wait_for(told, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(affinities_of(guest), before);
    std::filesystem::remove(filler);
    EXPECT_TRUE(comes_to(1)) << vnumad.output();

    directory.unmount();
    std::filesystem::remove_all(state_directory);
    order_home(guest, "0");
    const auto gone = [](const json& report) {
        return field(report, "/actions/0/error").dump().find("No such file or directory") !=
               std::string::npos;
    };
    EXPECT_FALSE(vnumad.wait_for(gone, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(home_of(placement_of(guest)), 1) << "its pins stay";
    EXPECT_EQ(guest.verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(guest);
}

}  // namespace
}  // namespace vnuma::lab
