// Scenarios about events in the life of guests and of libvirtd while vnumad runs, on a host with
// two nodes of two CPUs each.
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>

#include "integration/demo/picture.hpp"
#include "integration/host/direct_guest.hpp"
#include "integration/host/files.hpp"
#include "integration/host/kdamonds.hpp"
#include "integration/host/process.hpp"
#include "integration/scenarios/scenario.hpp"
#include "integration/scenarios/scenario_guests.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

// The memory of its two vCPUs starts on different nodes.
GuestShape on_both_nodes(const std::string& name) {
    return {name, {{2, 384}}, {0, 1}, 100};
}

bool is_settled(const json& guest) {
    return all_home({{"guests", {guest}}});
}

TEST(Lifecycle, AKilledLibvirtdHarmsNobodyAndIsFoundAgain) {
    Guest guest(libvirt_host(), on_both_nodes("survivor"));
    Daemon vnumad(acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const auto pins = affinities_of(guest);
    vnumad.take_reports();

    libvirt_host().end_libvirtd(SIGKILL);
    const auto blind = [](const json& report) { return report.contains("blind"); };
    EXPECT_FALSE(vnumad.wait_for(blind, settle_limit).is_null()) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
    EXPECT_EQ(affinities_of(guest), pins);
    libvirt_host().start_libvirtd();

    const auto any = [](const json&) { return true; };
    const json back = wait_for_guest(vnumad, "survivor", any);
    ASSERT_FALSE(back.is_null()) << vnumad.output();
    EXPECT_EQ(back["pid"], guest.pid());
    EXPECT_NE(field(back, "/cells/0/verdict/reason"), "first-home") << back;
    const json settled = wait_for_guest(vnumad, "survivor", is_settled);
    EXPECT_FALSE(settled.is_null()) << vnumad.output();
    EXPECT_EQ(affinities_of(guest), pins);
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Lifecycle, AFrozenLibvirtdStopsActionsAndNothingElse) {
    Guest guest(libvirt_host(), on_both_nodes("patient"));
    Daemon vnumad(acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const auto pins = affinities_of(guest);
    {
        const StoppedProcess frozen(libvirt_host().libvirtd_pid());
        const auto blind = [](const json& report) {
            return report.value("blind", "").find("does not answer") != std::string::npos;
        };
        // The ticks include the first call that hangs, and one after the connection was given up.
        for (int i = 0; i < 8; ++i)
            EXPECT_FALSE(vnumad.wait_for(blind, settle_limit).is_null()) << vnumad.output();
        EXPECT_TRUE(guest.is_at_work());
        EXPECT_EQ(affinities_of(guest), pins);
    }
    EXPECT_FALSE(wait_for_guest(vnumad, "patient", is_settled).is_null()) << vnumad.output();
    EXPECT_EQ(affinities_of(guest), pins);
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST(Lifecycle, APluggedVcpuIsFoundInItsCellAndPinnedHomeUntilItIsUnplugged) {
    Guest guest(libvirt_host(), with_room_for_a_vcpu("growing"));
    Daemon vnumad(acting);
    const json settled = wait_for_guest(vnumad, "growing", is_settled);
    ASSERT_FALSE(settled.is_null()) << vnumad.output();
    EXPECT_EQ(settled["cells"][1]["vcpus"].size(), 1U);

    guest.set_vcpus(3);
    const auto plugged = [](const json& seen) { return field(seen, "/cells/1/vcpus").size() == 2; };
    const json seen = wait_for_guest(vnumad, "growing", plugged);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(field(seen, "/cells/0/vcpus").size(), 1U) << seen;
    EXPECT_EQ(field(seen, "/cells/1/vcpus/1/vcpu"), 2) << seen;
    const pid_t thread = guest.vcpu_threads().at(2);
    EXPECT_EQ(field(seen, "/cells/1/vcpus/1/thread"), thread) << seen;
    const auto home = [&] { return home_of(placement_of_cell(guest, 1)) >= 0; };
    EXPECT_TRUE(wait_until(home, settle_limit)) << vnumad.output();
    EXPECT_EQ(affinity_of(thread), affinity_of(guest.vcpu_threads().at(1)));

    guest.set_vcpus(2);
    const auto unplugged = [](const json& seen) {
        return field(seen, "/cells/1/vcpus").size() == 1;
    };
    EXPECT_FALSE(wait_for_guest(vnumad, "growing", unplugged).is_null()) << vnumad.output();
    EXPECT_FALSE(wait_for_guest(vnumad, "growing", is_settled).is_null()) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Lifecycle, APluggedDimmIsABlockOfItsCell) {
    GuestShape shape = equal_cells("fed");
    shape.elements = "<maxMemory slots='2' unit='MiB'>2048</maxMemory>";
    Guest guest(libvirt_host(), shape);
    Daemon vnumad(acting);
    ASSERT_FALSE(wait_for_guest(vnumad, "fed", is_settled).is_null()) << vnumad.output();

    guest.plug(
        "<memory model='dimm'><target><size unit='MiB'>128</size><node>1</node></target>"
        "</memory>");
    const auto fed = [](const json& seen) { return field(seen, "/cells/1/blocks").size() == 2; };
    const json seen = wait_for_guest(vnumad, "fed", fed);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(field(seen, "/cells/0/blocks").size(), 1U) << seen;
    const json dimm = field(seen, "/cells/1/blocks/1");
    EXPECT_EQ(field(dimm, "/device"), "dimm0") << dimm;
    EXPECT_EQ(field(dimm, "/bytes"), 128 << 20) << dimm;
    EXPECT_EQ(field(dimm, "/guest_physical/0/start"), std::int64_t{4} << 30) << dimm;
    EXPECT_EQ(field(seen, "/cells/1/size_bytes"), (288 + 128) << 20) << seen;
    EXPECT_FALSE(wait_for_guest(vnumad, "fed", is_settled).is_null()) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Lifecycle, APausedGuestIsLeftAloneUntilItIsResumed) {
    Guest guest(libvirt_host(), on_both_nodes("paused"));
    Daemon vnumad(acting);
    const json running = wait_for_guest(vnumad, "paused", is_settled);
    ASSERT_FALSE(running.is_null()) << vnumad.output();
    EXPECT_EQ(field(running, "/state"), "running") << running;
    const auto pins = affinities_of(guest);

    guest.pause();
    const auto unsteady = [](const json& guest) { return guest["unsteady"] != ""; };
    const json paused = wait_for_guest(vnumad, "paused", unsteady);
    ASSERT_FALSE(paused.is_null()) << vnumad.output();
    EXPECT_EQ(field(paused, "/state"), "paused") << paused;
    EXPECT_EQ(affinities_of(guest), pins);

    guest.resume();
    const json resumed = wait_for_guest(vnumad, "paused", is_settled);
    ASSERT_FALSE(resumed.is_null()) << vnumad.output();
    EXPECT_EQ(field(resumed, "/state"), "running") << resumed;
    EXPECT_EQ(affinities_of(guest), pins);
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Lifecycle, AMigratingGuestIsLeftAloneUntilTheMigrationIsCancelled) {
    DirectGuest guest(equal_cells("leaving"));
    Daemon vnumad(std::string(acting) + qmp_config);
    const json home = wait_for_guest(vnumad, "leaving", is_settled);
    ASSERT_FALSE(home.is_null()) << vnumad.output();
    const auto pins = affinities_of(guest);

    // The bandwidth is so low that the migration never ends by itself.
    guest.execute("migrate-set-parameters", {{"max-bandwidth", 1 << 20}});
    guest.execute("migrate", {{"uri", "exec:cat >/dev/null"}});
    const auto migrating = [](const json& seen) { return field(seen, "/state") == "migrating"; };
    const json seen = wait_for_guest(vnumad, "leaving", migrating);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_TRUE(is_unsteady_because(seen, "it is migrating")) << seen;
    for (const auto& [vcpu, thread] : guest.vcpu_threads())
        EXPECT_EQ(affinity_of(thread), pins.at(thread));

    guest.execute("migrate_cancel");
    const json stays = wait_for_guest(vnumad, "leaving", is_settled);
    ASSERT_FALSE(stays.is_null()) << vnumad.output();
    EXPECT_EQ(field(stays, "/state"), "running") << stays;
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Lifecycle, ASavedAndRestoredGuestComesHomeAgain) {
    Guest guest(libvirt_host(), equal_cells("saved"));
    Daemon vnumad(acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const pid_t old = guest.pid();

    guest.save();
    const auto nobody = [](const json& report) {
        return report.contains("guests") && report["guests"].empty();
    };
    EXPECT_FALSE(vnumad.wait_for(nobody, settle_limit).is_null()) << vnumad.output();
    guest.restore();
    ASSERT_NE(guest.pid(), old);
    const auto settled_anew = [&](const json& seen) {
        return seen["pid"] == guest.pid() && is_settled(seen);
    };
    const json seen = wait_for_guest(vnumad, "saved", settled_anew);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(seen["uuid"], guest.uuid());
    for (std::size_t cell = 0; cell < 2; ++cell) {
        const int home = home_of(placement_of_cell(guest, cell));
        EXPECT_GE(home, 0) << vnumad.output();
        EXPECT_EQ(field(seen, "/cells/" + std::to_string(cell) + "/verdict/home"), home) << seen;
    }
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Lifecycle, AGuestOfTheSameNameIsAnotherGuest) {
    auto first = std::make_unique<Guest>(libvirt_host(), on_both_nodes("twin"));
    Daemon vnumad(acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const std::string old_uuid = first->uuid();
    const pid_t old_pid = first->pid();
    first.reset();

    Guest second(libvirt_host(), on_both_nodes("twin"));
    ASSERT_NE(second.uuid(), old_uuid);
    ASSERT_NE(second.pid(), old_pid);
    vnumad.take_reports();
    const json report = vnumad.wait_for(all_home, settle_limit);
    ASSERT_FALSE(report.is_null()) << vnumad.output();
    ASSERT_EQ(report["guests"].size(), 1U) << report;
    EXPECT_EQ(report["guests"][0]["uuid"], second.uuid());
    EXPECT_EQ(report["guests"][0]["pid"], second.pid());
    EXPECT_GE(home_of(placement_of(second)), 0) << vnumad.output();
    EXPECT_TRUE(second.is_at_work());
}

TEST(Lifecycle, AHungMonitorHoldsUpItsOwnGuestOnly) {
    // Equal cells cannot be told apart without the monitor.
    const auto guests =
        start_both(libvirt_host(), equal_cells("hung", {0, 0}), on_both_nodes("other"));
    Guest &hung = *guests.first, &other = *guests.second;
    auto frozen = std::make_unique<StoppedProcess>(hung.pid());
    const auto silent = [](const json& guest) {
        return is_unsteady_because(guest, "not answered");
    };
    {
        Daemon vnumad(acting);
        EXPECT_FALSE(wait_for_guest(vnumad, "hung", silent).is_null()) << vnumad.output();
        const auto other_is_home = [&] { return home_of(placement_of(other)) >= 0; };
        EXPECT_TRUE(wait_until(other_is_home, settle_limit)) << vnumad.output();
        EXPECT_TRUE(other.is_at_work());
        EXPECT_TRUE(wait_until([] { return kdamonds() > 0; }, settle_limit)) << vnumad.output();
        EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
        EXPECT_EQ(kdamonds(), 0) << "vnumad has to remove its kdamonds although a call hangs";
    }
    Daemon vnumad(acting);
    EXPECT_FALSE(wait_for_guest(vnumad, "hung", silent).is_null()) << vnumad.output();
    frozen.reset();
    EXPECT_FALSE(wait_for_guest(vnumad, "hung", is_settled).is_null()) << vnumad.output();
    for (std::size_t cell = 0; cell < 2; ++cell)
        EXPECT_GE(home_of(placement_of_cell(hung, cell)), 0) << vnumad.output();
    EXPECT_TRUE(hung.is_at_work());
    EXPECT_TRUE(other.is_at_work());
}

}  // namespace
}  // namespace vnuma::lab
