// Scenarios about guests that libvirt does not tell of: QEMUs started as Proxmox VE starts them, a
// QEMU in a container, and a VMM that is not QEMU. A guest of libvirt's is always beside them. On a
// host with two nodes of two CPUs each.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "integration/host/container.hpp"
#include "integration/host/direct_guest.hpp"
#include "integration/host/files.hpp"
#include "integration/host/hidden_debugfs.hpp"
#include "integration/host/process.hpp"
#include "integration/host/small_vmm.hpp"
#include "integration/scenarios/found_guests.hpp"
#include "integration/scenarios/ordered_move.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* every_origin = "source = \"auto\"\n";
constexpr seconds greeting_limit{30};

// Its memory starts on both nodes. It is small, since several boot side by side.
GuestShape on_both_nodes(const std::string& name) {
    GuestShape shape{name, {{2, 256}}, {0, 1}, 24};
    shape.duty_percent = 10;
    shape.verify = true;
    return shape;
}

std::future<std::unique_ptr<Guest>> start_by_libvirt(const std::string& name) {
    return std::async(std::launch::async, [name, &host = libvirt_host()] {
        return std::make_unique<Guest>(host, on_both_nodes(name));
    });
}

std::future<std::unique_ptr<DirectGuest>> start_by_hand(const std::string& name, QemuStart how) {
    return std::async(std::launch::async, [name, how] {
        return std::make_unique<DirectGuest>(on_both_nodes(name), how);
    });
}

std::unique_ptr<SmallVmm> start_small_vmm() {
    return std::make_unique<SmallVmm>("small", 2, 129);
}

// ---- What is expected of every guest ------------------------------------------------------------

// What QEMU's command line says of the guest.
void expect_described(const json& report, const DirectGuest& guest) {
    const json seen = find_guest(report, guest.name());
    EXPECT_EQ(field(seen, "/pid"), guest.pid()) << seen;
    EXPECT_EQ(field(seen, "/uuid"), guest.uuid()) << seen;
}

// QEMU's monitor serves one client at a time: it greets only if nobody else is connected.
bool is_free(const std::string& monitor) {
    JsonSocket socket;
    socket.connect(monitor);
    return socket.receive(greeting_limit).contains("QMP");
}

bool is_moving(const json& report, const KvmGuest& guest) {
    const std::vector<json> seen = guests_of_process(report, guest.pid());
    return !seen.empty() && lab::is_moving(report, seen.front());
}

// ---- Guests of every origin side by side --------------------------------------------------------

class GuestsOfEveryOrigin : public ::testing::Test {
  protected:
    GuestsOfEveryOrigin() {
        guest_initramfs();  // The first call writes the file that all of them boot.
        // One after the other: hosts in which so many boot at once are reset (docs/lab.md).
        by_libvirt_ = start_by_libvirt("by-libvirt").get();
        first_ = start_by_hand("vm101", {.by = Starter::proxmox, .has_tpm = true}).get();
        // Its swtpm stays in the group of the daemon that has started it.
        scope_.add(first_->pid());
        second_ = start_by_hand("vm102", {.by = Starter::proxmox}).get();
        in_pod_ = start_by_hand("in-pod", {.container = &pod_}).get();
        small_ = start_small_vmm();
        // Kubernetes' CPU manager gives the pod CPUs of its own. Its memory may be on any node.
        pod_.set_cpus(node_cpus(1));
    }

    // In the order of Who.
    std::vector<KvmGuest*> all() {
        return {by_libvirt_.get(), first_.get(), second_.get(), in_pod_.get(), small_.get()};
    }

    const Container pod_{"pod1a2b3c4d-0b5e-4c1f-9e57-1a2b3c4d5e6f"};
    const Scope scope_{"qemu.slice/101.scope"};
    std::unique_ptr<Guest> by_libvirt_;
    std::unique_ptr<DirectGuest> first_, second_, in_pod_;
    std::unique_ptr<SmallVmm> small_;
};

TEST_F(GuestsOfEveryOrigin, ComeHomeAndNoneIsListedTwice) {
    std::vector<std::map<pid_t, std::vector<int>>> before;
    for (const KvmGuest* guest : all()) {
        ASSERT_EQ(home_of(placement_of(*guest)), -1) << guest->name();
        before.push_back(affinities_of(*guest));
    }
    const std::vector<int> tpm_before = affinity_of(first_->tpm());
    // A tool of Proxmox's is connected to one of the monitors all the time. The other one is free.
    JsonSocket tool;
    tool.connect(second_->starters_monitor());
    EXPECT_TRUE(tool.receive(greeting_limit).contains("QMP"));

    Daemon vnumad(acting);  // every origin is the default
    ASSERT_TRUE(let_pass(vnumad, 2)) << vnumad.output();
    EXPECT_TRUE(is_free(first_->starters_monitor()));
    for (const KvmGuest* guest : all())
        expect_at_home(*guest, vnumad);
    EXPECT_TRUE(is_free(first_->starters_monitor()));
    const std::vector<int> home = node_cpus(home_of(placement_of(*first_)));
    EXPECT_TRUE(wait_until([&] { return affinity_of(first_->tpm()) == home; }, settle_limit))
        << "swtpm does not go with its guest\n"
        << vnumad.output();

    vnumad.take_reports();
    const json report = vnumad.wait_for([](const json&) { return true; }, settle_limit);
    ASSERT_EQ(field(report, "/guests").size(), all().size()) << vnumad.output();
    std::set<std::string> uuids;
    for (json guest : report["guests"]) {
        uuids.insert(guest.at("uuid"));
        for (const char* large : {"cells", "moves", "policy", "threads", "tracking", "tuning"})
            guest.erase(large);
        std::cout << guest << "\n";
    }
    EXPECT_EQ(uuids.size(), all().size());
    expect_listed_once(report, *by_libvirt_, "libvirt");
    for (const KvmGuest* guest : all())
        if (guest != by_libvirt_.get()) expect_listed_once(report, *guest, "proc");
    for (const DirectGuest* guest : {first_.get(), second_.get(), in_pod_.get()})
        expect_described(report, *guest);

    for (KvmGuest* guest : all())
        EXPECT_TRUE(guest->is_at_work()) << guest->name();
    expect_never_paused(*small_);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    for (std::size_t i = 0; i < before.size(); ++i)
        expect_affinities(*all()[i], before[i]);
    EXPECT_EQ(affinity_of(first_->tpm()), tpm_before);
}

enum Who : std::size_t { libvirts, proxmoxs_first, proxmoxs_second, in_the_pod, of_the_small_vmm };

struct Victims {
    const char* name;
    std::set<std::size_t> who;
};

class KilledGuests : public GuestsOfEveryOrigin, public ::testing::WithParamInterface<Victims> {};

TEST_P(KilledGuests, HarmNoneOfTheOthersWhenTheyDieWhileTheyMove) {
    // The rate is so low that every move lasts for several reports.
    Daemon vnumad(std::string(acting) + every_origin + "memory.rate = \"10M\"\n");
    std::vector<KvmGuest*> victims, others;
    for (std::size_t i = 0; i < all().size(); ++i)
        (GetParam().who.contains(i) ? victims : others).push_back(all()[i]);
    while (!victims.empty()) {
        auto moving = victims.end();
        const auto one_moves = [&](const json& report) {
            moving = std::find_if(victims.begin(), victims.end(), [&](const KvmGuest* victim) {
                return is_moving(report, *victim);
            });
            return moving != victims.end();
        };
        ASSERT_FALSE(vnumad.wait_for(one_moves, settle_limit).is_null())
            << victims.front()->name() << "\n"
            << vnumad.output();
        ASSERT_EQ(::kill((*moving)->pid(), SIGKILL), 0);
        victims.erase(moving);
    }

    const auto only_the_others = [&](const json& report) {
        return field(report, "/guests").size() == others.size();
    };
    EXPECT_FALSE(vnumad.wait_for(only_the_others, settle_limit).is_null()) << vnumad.output();
    for (KvmGuest* guest : others) {
        expect_at_home(*guest, vnumad);
        EXPECT_TRUE(guest->is_at_work()) << guest->name();
        if (auto* qemu = dynamic_cast<RunningGuest*>(guest)) {
            EXPECT_EQ(qemu->verify_memory(), "");
        }
    }
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

INSTANTIATE_TEST_SUITE_P(Of, KilledGuests,
                         ::testing::Values(Victims{"LibvirtAndAContainer", {libvirts, in_the_pod}},
                                           Victims{"ProxmoxAndTheSmallVmm",
                                                   {proxmoxs_first, of_the_small_vmm}}),
                         [](const auto& info) { return info.param.name; });

// ---- Variants -----------------------------------------------------------------------------------

TEST(AGuestInAContainer, FollowsTheCpusetOfItsContainer) {
    const Container pod("poddeadbeef-0b5e-4c1f-9e57-1a2b3c4d5e6f");
    guest_initramfs();
    auto starting = start_by_libvirt("beside");
    const DirectGuest inside(on_both_nodes("inside"), {.container = &pod});
    const auto beside = starting.get();
    const auto before = affinities_of(inside);

    const auto comes_to = [&](int node) {
        return wait_until([&] { return home_of(placement_of(inside)) == node; }, settle_limit);
    };

    pod.set_cpus(node_cpus(1));
    Daemon vnumad(std::string(acting) + every_origin + "planner.cool_down = \"1s\"\n");
    EXPECT_TRUE(comes_to(1)) << vnumad.output();
    // As the kubelet does when other pods come and go.
    pod.set_cpus(node_cpus(0));
    EXPECT_TRUE(comes_to(0)) << vnumad.output();
    expect_at_home(*beside, vnumad);
    vnumad.take_reports();
    const json report = vnumad.wait_for([](const json&) { return true; }, settle_limit);
    expect_listed_once(report, inside, "proc");
    expect_listed_once(report, *beside, "libvirt");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    for (const auto& [vcpu, thread] : inside.vcpu_threads())
        EXPECT_EQ(affinity_of(thread), node_cpus(0)) << "vCPU " << vcpu;
    // Nobody had set an affinity, so that a wider cpuset widens it.
    std::vector<int> all = node_cpus(0);
    for (const int cpu : node_cpus(1))
        all.push_back(cpu);
    pod.set_cpus(all);
    expect_affinities(inside, before);
}

TEST(WithoutDebugfs, TheNamesOfThreadsTellWhichVcpuTheyAre) {
    const HiddenDebugfs hidden;
    guest_initramfs();
    auto starting = start_by_libvirt("beside");
    auto starting_too = start_by_hand("vm103", {.by = Starter::proxmox});
    const auto small = start_small_vmm();
    const auto beside = starting.get();
    const auto named = starting_too.get();

    Daemon vnumad(std::string(acting) + every_origin);
    const std::vector<const KvmGuest*> without_libvirt{named.get(), small.get()};
    expect_at_home(*beside, vnumad);
    for (const KvmGuest* guest : without_libvirt)
        expect_at_home(*guest, vnumad);
    vnumad.take_reports();
    const json report = vnumad.wait_for([](const json&) { return true; }, settle_limit);
    for (const KvmGuest* guest : without_libvirt) {
        expect_listed_once(report, *guest, "proc");
        const json seen = guests_of_process(report, guest->pid()).at(0);
        for (const auto& [vcpu, thread] : guest->vcpu_threads())
            EXPECT_EQ(field(seen, "/cells/0/vcpus/" + std::to_string(vcpu) + "/thread"), thread)
                << seen;
    }
    expect_never_paused(*small);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

}  // namespace
}  // namespace vnuma::lab
