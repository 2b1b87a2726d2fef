// Scenarios about guests that change in the middle of a move, on a host with two nodes of two CPUs
// each. They verify their own memory. Each scenario ends with vnumad stopped, and with nothing left
// behind.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "integration/demo/picture.hpp"
#include "integration/host/direct_guest.hpp"
#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/scenarios/ordered_move.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

class GuestFaults : public ::testing::Test {
  protected:
    ~GuestFaults() override { std::filesystem::remove(policy_file); }

    static void expect_home(const RunningGuest& guest, int node, Daemon& vnumad) {
        const auto there = [&] { return home_of(placement_of(guest)) == node; };
        EXPECT_TRUE(wait_until(there, settle_limit)) << vnumad.output();
    }
};

TEST_F(GuestFaults, AGuestThatIsResetInTheMiddleOfAMoveComesHome) {
    DirectGuest guest(verifying("resetting"));
    guest.execute("set-action", {{"reboot", "reset"}});
    order_home(guest, "1");
    Daemon vnumad(ordered(std::string(slowly) + qmp_config));
    ASSERT_TRUE(begin_move(vnumad, guest)) << vnumad.output();
    guest.execute("system_reset");
    guest.wait_for_reboot();
    expect_home(guest, 1, vnumad);
    EXPECT_EQ(guest.verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(guest);
}

TEST_F(GuestFaults, AGuestThatIsBalloonedInTheMiddleOfAMoveComesHome) {
    GuestShape shape = verifying("ballooned");
    shape.has_balloon = true;
    DirectGuest guest(shape);
    order_home(guest, "1");
    Daemon vnumad(ordered(std::string(slowly) + qmp_config));
    ASSERT_TRUE(begin_move(vnumad, guest)) << vnumad.output();
    const auto size = [&] { return guest.execute("query-balloon").at("actual").get<int>() >> 20; };
    for (const int mib : {200, 256}) {
        guest.execute("balloon", {{"value", mib << 20}});
        EXPECT_TRUE(wait_until([&] { return size() == mib; }, settle_limit)) << size();
    }
    expect_home(guest, 1, vnumad);
    EXPECT_EQ(guest.verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(guest);
}

// So little that the migration ends.
GuestShape writes_little(GuestShape shape) {
    shape.duty_percent = 10;
    shape.period_ms = 100;
    return shape;
}

TEST_F(GuestFaults, AGuestThatMigratesAwayInTheMiddleOfAMoveAndBackComesHome) {
    const SecondLibvirtd second;
    Guest guest(libvirt_host(), writes_little(verifying("migrating")));
    order_home(guest, "1");
    // The guests of the second libvirtd are not ours: on a real host they would be on another one.
    Daemon vnumad(ordered(std::string(slowly) + "source = \"libvirt\"\n"));
    ASSERT_TRUE(begin_move(vnumad, guest)) << vnumad.output();
    guest.migrate(second);
    const auto migrating = [](const json& seen) { return field(seen, "/state") == "migrating"; };
    EXPECT_FALSE(wait_for_guest(vnumad, "migrating", migrating).is_null()) << vnumad.output();
    const auto nobody = [](const json& report) {
        return report.contains("guests") && report["guests"].empty();
    };
    EXPECT_FALSE(vnumad.wait_for(nobody, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(home_of(placement_of(guest)), -1) << "pins do not migrate";
    EXPECT_EQ(guest.verify_memory(), "");

    guest.migrate(libvirt_host());
    expect_home(guest, 1, vnumad);
    EXPECT_EQ(guest.verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(guest);
}

TEST_F(GuestFaults, AVcpuThatIsPluggedInTheMiddleOfAMoveGoesToItsCellsHome) {
    GuestShape shape{"growing", {{1, 256}, {2, 192}}, {0}};
    shape.buffers_mib = {96, 40, 0};
    shape.online_vcpus = 2;
    shape.verify = true;
    Guest guest(libvirt_host(), shape);
    order_home(guest, "1,0");
    Daemon vnumad(ordered(slowly));
    ASSERT_TRUE(begin_move(vnumad, guest)) << vnumad.output();
    guest.set_vcpus(3);
    const auto pinned = [&] {
        const auto threads = guest.vcpu_threads();
        return threads.contains(2) && affinity_of(threads.at(2)) == node_cpus(0);
    };
    EXPECT_TRUE(wait_until(pinned, settle_limit)) << vnumad.output();
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(home_of(placement_of_cell(guest, 0)), 1) << vnumad.output();
    EXPECT_EQ(guest.verify_memory(), "");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    expect_nothing_left(guest);
}

}  // namespace
}  // namespace vnuma::lab
