// Scenarios that need no guest with a kernel: many guests, and what happens to numbers and memory
// of processes. On a host with two nodes of two CPUs each.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "integration/host/files.hpp"
#include "integration/host/hidden_debugfs.hpp"
#include "integration/host/impostor.hpp"
#include "integration/host/process.hpp"
#include "integration/host/small_vmm.hpp"
#include "integration/scenarios/found_guests.hpp"
#include "integration/scenarios/ordered_move.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// More take longer to be read in emulation than a reading may be old (Actuator's max_reading_age);
// two hundred are in FaultsTest.
constexpr int many = 16;
// So that they use little of the host together.
constexpr milliseconds long_rest{2000};
// Each of them is emulated in turn.
constexpr seconds arrival_limit{300};

bool all_at_home(const std::vector<std::unique_ptr<SmallVmm>>& guests) {
    return std::all_of(guests.begin(), guests.end(),
                       [](const auto& guest) { return home_of(placement_of(*guest)) >= 0; });
}

using Affinities = std::map<pid_t, std::vector<int>>;

std::vector<std::unique_ptr<SmallVmm>> start_guests(int count) {
    const SmallVmmStart start{.rest = long_rest, .wait = false};
    std::vector<std::unique_ptr<SmallVmm>> guests;
    for (int i = 0; i < count; ++i)
        guests.push_back(std::make_unique<SmallVmm>("g" + std::to_string(i), 1, 3, start));
    for (const auto& guest : guests)
        guest->wait_until_started();
    return guests;
}

std::vector<Affinities> affinities_of_all(const std::vector<std::unique_ptr<SmallVmm>>& guests) {
    std::vector<Affinities> all;
    for (const auto& guest : guests)
        all.push_back(affinities_of(*guest));
    return all;
}

// Their memory as well: each verifies it at its end.
void expect_unharmed(const std::vector<std::unique_ptr<SmallVmm>>& guests,
                     const std::vector<Affinities>& before) {
    for (std::size_t i = 0; i < guests.size(); ++i) {
        expect_affinities(*guests[i], before[i]);
        EXPECT_TRUE(guests[i]->end()) << guests[i]->name();
    }
}

TEST(ManyGuests, ThatArriveAtOnceAllComeHomeAndAllOfItIsUndone) {
    Daemon vnumad(acting);
    ASSERT_TRUE(let_pass(vnumad, 2)) << vnumad.output();
    write_text(freeze_file, "");
    const auto guests = start_guests(many);
    const auto before = affinities_of_all(guests);
    std::filesystem::remove(freeze_file);
    EXPECT_TRUE(wait_until([&] { return all_at_home(guests); }, arrival_limit)) << vnumad.output();
    const auto all_listed = [](const json& report) {
        return field(report, "/guests").size() == std::size_t{many};
    };
    vnumad.take_reports();
    const json report = vnumad.wait_for(all_listed, settle_limit);
    ASSERT_FALSE(report.is_null()) << vnumad.output();
    std::cout << many << " guests are at home; a look at them takes " << report.at("look_ms")
              << " ms, of which vnumad computes for " << report.at("look_cpu_us") << " us\n";
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_unharmed(guests, before);
}

// A look at so many takes longer in emulation than what is read may be old when vnumad acts on it,
// so that not all of them have to come home. None is harmed, and the reason is told.
TEST(TwoHundredGuests, ThatArriveAtOnceAreListedAndNoneIsHarmed) {
    constexpr int very_many = 200;
    Daemon vnumad(acting);
    ASSERT_TRUE(let_pass(vnumad, 2)) << vnumad.output();
    write_text(freeze_file, "");
    const auto guests = start_guests(very_many);
    const auto before = affinities_of_all(guests);
    std::filesystem::remove(freeze_file);
    vnumad.take_reports();
    const auto all_listed = [](const json& report) {
        return field(report, "/guests").size() == std::size_t{very_many};
    };
    ASSERT_FALSE(vnumad.wait_for(all_listed, arrival_limit).is_null()) << vnumad.output();
    const json report = vnumad.wait_for(all_listed, arrival_limit);
    ASSERT_FALSE(report.is_null()) << vnumad.output();
    const auto at_home = std::count_if(guests.begin(), guests.end(), [](const auto& guest) {
        return home_of(placement_of(*guest)) >= 0;
    });
    std::set<std::string> reasons;  // with figures of their own
    for (const json& action : report.value("actions", json::array()))
        if (action.contains("skipped")) reasons.insert(action["skipped"]);
    std::cout << very_many << " guests are listed and " << at_home
              << " of them at home; a look takes " << report.at("look_ms") << " ms\n";
    if (!reasons.empty()) std::cout << "others wait, such as this: " << *reasons.begin() << "\n";
    EXPECT_TRUE(at_home == very_many || !reasons.empty());
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_unharmed(guests, before);
    EXPECT_EQ(run_restore().output, "");
}

TEST(AProcessWithTheNumberOfAKilledGuest, IsNotTouched) {
    write_text(policy_file, "[guest.\"*\"]\nhome = \"1\"\n");
    auto victim = std::make_unique<SmallVmm>("victim", 2, 129);
    Daemon vnumad(ordered(slowly));
    ASSERT_TRUE(begin_move_of_process(vnumad, victim->pid())) << vnumad.output();
    const pid_t process = victim->pid();
    std::vector<pid_t> threads;
    for (const auto& [vcpu, thread] : victim->vcpu_threads()) {
        EXPECT_EQ(affinity_of(thread), node_cpus(1)) << "vCPU " << vcpu;
        threads.push_back(thread);
    }
    std::unique_ptr<Impostor> impostor;
    {
        // It finds out only when all numbers are taken again.
        const StoppedProcess stopped(vnumad.pid());
        victim.reset();
        impostor = std::make_unique<Impostor>(process, threads, node_cpus(1));
    }
    EXPECT_TRUE(let_pass(vnumad, 3)) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    // What the guest's threads would have got back.
    for (const pid_t thread : threads)
        EXPECT_EQ(affinity_of(thread), node_cpus(1));
    EXPECT_EQ(run_restore().output, "");
    std::filesystem::remove(policy_file);
}

// A control group for vnumad alone.
class Confinement {
  public:
    Confinement() {
        write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
        std::filesystem::create_directory(group_);
    }
    ~Confinement() {
        std::error_code ignored;
        std::filesystem::remove(group_, ignored);
    }
    Confinement(const Confinement&) = delete;
    Confinement& operator=(const Confinement&) = delete;

    std::vector<std::string> launcher() const {
        return {"sh", "-c", "echo $$ >" + group_ + "/cgroup.procs && exec \"$@\"", "sh"};
    }
    void set_memory_max(const std::string& bytes) const {
        write_text(group_ + "/memory.max", bytes);
    }

  private:
    const std::string group_ = "/sys/fs/cgroup/vnumad";
};

TEST(AVnumadThatTheKernelKillsForItsMemory, LeavesNothingThatTheNextOneDoesNotPutBack) {
    write_text(policy_file, "[guest.\"*\"]\nhome = \"1\"\n");
    const SmallVmm guest("small", 2, 129);
    const auto before = affinities_of(guest);
    const Confinement group;
    {
        Daemon vnumad(ordered(slowly), group.launcher());
        ASSERT_TRUE(begin_move_of_process(vnumad, guest.pid())) << vnumad.output();
        group.set_memory_max("1M");
        ASSERT_EQ(vnumad.wait_for_end(settle_limit), 128 + SIGKILL) << vnumad.output();
    }
    for (const auto& [vcpu, thread] : guest.vcpu_threads())
        EXPECT_EQ(affinity_of(thread), node_cpus(1)) << "vCPU " << vcpu;
    std::filesystem::remove(policy_file);
    Daemon next(observing);
    ASSERT_TRUE(let_pass(next, 1)) << next.output();
    expect_affinities(guest, before);
    EXPECT_EQ(next.stop(), 0) << next.output();
    EXPECT_EQ(run_restore().output, "");
}

// Needs a vnumad that was built with BPF.
TEST(WithoutDebugfs, KvmItselfTellsWhichVcpuThreadsWithoutNamesAre) {
    const HiddenDebugfs hidden;
    SmallVmm small("nameless", 2, 129, {.named = false});
    Daemon vnumad(acting);
    expect_at_home(small, vnumad);
    vnumad.take_reports();
    const json report = vnumad.wait_for([](const json&) { return true; }, settle_limit);
    expect_listed_once(report, small, "proc");
    const json seen = guests_of_process(report, small.pid()).at(0);
    EXPECT_EQ(field(seen, "/certainty"),
              "vCPU threads from KVM by BPF; memory from KVM by BPF; migrations are not seen");
    EXPECT_EQ(field(seen, "/cells/0/map"), "kvm") << seen;
    for (const auto& [vcpu, thread] : small.vcpu_threads())
        EXPECT_EQ(field(seen, "/cells/0/vcpus/" + std::to_string(vcpu) + "/thread"), thread)
            << seen;
    expect_never_paused(small);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

}  // namespace
}  // namespace vnuma::lab
