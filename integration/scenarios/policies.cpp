// Scenarios about policies of owners and administrators, and about full nodes, on a host with two
// nodes of two CPUs each.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "integration/demo/picture.hpp"
#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/host/workload_pattern.hpp"
#include "integration/scenarios/scenario.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

// A node has room for two of these guests.
GuestShape one_vcpu(const std::string& name, int first_touch_node) {
    return {name, {{1, 320}}, {first_touch_node}, 80};
}

std::string with_group(const std::string& arrangement) {
    return std::string(acting) +
           "[guest.one]\ngroup = \"pair\"\n[guest.other]\ngroup = \"pair\"\n"
           "[group.pair]\narrangement = \"" +
           arrangement + "\"\n";
}

std::string reason_of(const json& guest) {
    return field(guest, "/cells/0/verdict/reason");
}

// Replaces the guest's policy in the metadata of its domain.
void set_metadata(const std::string& guest, const std::string& element) {
    ASSERT_EQ(run_program({"virsh", "-c", "qemu:///system", "metadata", guest, "--uri",
                           "https://vnumad.org/xmlns/policy/1.0", "--key", "vnumad", "--set",
                           element, "--live"},
                          "/run/lab/virsh.log"),
              0)
        << read_text("/run/lab/virsh.log");
}

json any_report_of(Daemon& vnumad, const std::string& guest) {
    return wait_for_guest(vnumad, guest, [](const json&) { return true; });
}

TEST(Policies, GuestsThatBelongTogetherEndOnOneNode) {
    const auto guests = start_both(libvirt_host(), one_vcpu("one", 0), one_vcpu("other", 1));
    const Guest &one = *guests.first, &other = *guests.second;
    Daemon vnumad(with_group("together"));
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    EXPECT_GE(home_of(placement_of(one)), 0) << vnumad.output();
    EXPECT_EQ(home_of(placement_of(one)), home_of(placement_of(other))) << vnumad.output();
}

TEST(Policies, GuestsThatHaveToBeApartEndOnDifferentNodes) {
    const auto guests = start_both(libvirt_host(), one_vcpu("one", 1), one_vcpu("other", 1));
    Guest &one = *guests.first, &other = *guests.second;
    for (Guest* guest : {&one, &other}) {
        GuestShape shape = guest->shape();
        shape.duty_percent = 1;  // so little that CPU use is no reason to separate the guests
        guest->send(own_windows(shape, {}, Access::read));
    }
    Daemon vnumad(with_group("apart"));
    const json report = vnumad.wait_for(all_home, settle_limit);
    ASSERT_FALSE(report.is_null()) << vnumad.output();
    for (const char* name : {"one", "other"})
        EXPECT_EQ(field(find_guest(report, name), "/cells/0/verdict/lacks"), "apart") << report;
    EXPECT_GE(home_of(placement_of(one)), 0) << vnumad.output();
    EXPECT_GE(home_of(placement_of(other)), 0) << vnumad.output();
    EXPECT_NE(home_of(placement_of(one)), home_of(placement_of(other))) << vnumad.output();
}

TEST(Policies, AGuestThatItsOwnerPinnedStaysAndItsVerdictSaysWhy) {
    GuestShape shape = one_vcpu("pinned", 1);
    shape.elements =
        "<cputune><vcpupin vcpu='0' cpuset='" + std::to_string(node_cpus(1)[0]) + "'/></cputune>";
    // The load on its node makes the other node better.
    const auto guests = start_both(libvirt_host(), shape, {"beside", {{2, 320}}, {1}, 60, 45});
    const Guest& pinned = *guests.first;
    const auto before = affinities_of(pinned);
    Daemon vnumad(acting);
    const auto settled = [](const json& guest) { return reason_of(guest) == "settled"; };
    const json seen = wait_for_guest(vnumad, "pinned", settled);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(field(seen, "/cells/0/allowed_nodes"), "1") << seen;
    EXPECT_EQ(field(seen, "/cells/0/verdict/lacks"), "allowed") << seen;
    EXPECT_EQ(affinities_of(pinned), before);
    EXPECT_EQ(home_of(placement_of(pinned)), 1) << vnumad.output();
}

// Fills memory of a node with a file in tmpfs.
class Ballast {
  public:
    Ballast(int node, int mib) : directory_("/run/lab/ballast") {
        std::filesystem::create_directories(directory_);
        const std::string options = "mpol=bind:" + std::to_string(node) + ",size=100%";
        if (::mount("none", directory_.c_str(), "tmpfs", 0, options.c_str()) != 0)
            throw std::runtime_error("cannot mount a tmpfs on " + directory_);
        std::ofstream file(directory_ + "/file");
        const std::string piece(1 << 20, 'x');
        for (int i = 0; i < mib; ++i)
            file << piece;
    }
    ~Ballast() { ::umount2(directory_.c_str(), MNT_DETACH); }
    Ballast(const Ballast&) = delete;
    Ballast& operator=(const Ballast&) = delete;

  private:
    std::string directory_;
};

std::int64_t available_mib(const json& report, int node) {
    for (const json& one : report["nodes"])
        if (one["node"] == node) return one["available_bytes"].get<std::int64_t>() >> 20;
    return 0;
}

TEST(Policies, AFullNodeIsRelieved) {
    const Guest guest(libvirt_host(), {"squeezed", {{2, 512}}, {1}, 120});
    const std::string config = std::string(acting) + "memory.watermark = 0.2\n";
    Daemon vnumad(config);
    const json settled = vnumad.wait_for(all_home, settle_limit);
    ASSERT_FALSE(settled.is_null()) << vnumad.output();
    const int home = home_of(placement_of(guest));
    ASSERT_GE(home, 0);
    // Leaves 200 MiB available, half of the watermark.
    const Ballast ballast(home, static_cast<int>(available_mib(settled, home)) - 200);
    const auto relieved = [&](const json& seen) { return reason_of(seen) == "relief"; };
    const json seen = wait_for_guest(vnumad, "squeezed", relieved);
    EXPECT_FALSE(seen.is_null()) << vnumad.output();
    const auto moved = [&] { return home_of(placement_of(guest)) == 1 - home; };
    EXPECT_TRUE(wait_until(moved, settle_limit)) << vnumad.output();
}

TEST(Policies, MetadataThatIsEditedTakesEffectInTheNextTick) {
    const Guest guest(libvirt_host(), one_vcpu("edited", 0));
    Daemon vnumad(acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const auto before = affinities_of(guest);
    set_metadata("edited", "<policy mode='off'/>");
    vnumad.take_reports();
    any_report_of(vnumad, "edited");  // this tick may have begun before the change
    const json off = any_report_of(vnumad, "edited");
    EXPECT_EQ(reason_of(off), "off") << off;
    EXPECT_EQ(field(off, "/policy/mode"), "off") << off;
    const auto pins_removed = [&] { return affinities_of(guest) != before; };
    EXPECT_TRUE(wait_until(pins_removed, settle_limit)) << vnumad.output();

    set_metadata("edited", "<policy nodes='1' mode='act'/>");
    const auto there = [&] { return home_of(placement_of(guest)) == 1; };
    EXPECT_TRUE(wait_until(there, settle_limit)) << vnumad.output();

    set_metadata("edited", "<policy nodes='0' mode='advise'/>");
    const auto advised = [](const json& seen) { return field(seen, "/advised").size() == 2; };
    const json advice = vnumad.wait_for(advised, settle_limit);
    EXPECT_EQ(field(advice, "/advised/0/action"), "pin") << vnumad.output();
    EXPECT_EQ(field(advice, "/advised/1/to"), 0) << advice;
    EXPECT_GE(placement_of(guest).memory_share.at(1), 0.9) << vnumad.output();

    set_metadata("edited", "<policy mode='fast'/>");
    const auto rejected = [](const json& seen) { return !field(seen, "/policy/problems").empty(); };
    const json seen = wait_for_guest(vnumad, "edited", rejected);
    EXPECT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(field(seen, "/policy/mode"), "observe") << seen;
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

// Replaces the file atomically.
void replace(const std::string& file, const std::string& text) {
    write_text(file + ".new", text);
    std::filesystem::rename(file + ".new", file);
}

TEST(Policies, RunTimePolicyMayDefineAGroup) {
    const std::string file = "/run/lab/policy.toml";
    const auto guests = start_both(libvirt_host(), one_vcpu("one", 0), one_vcpu("other", 1));
    const Guest &one = *guests.first, &other = *guests.second;
    replace(file, "[guest.one]\nhome = \"0\"\n[guest.other]\nhome = \"1\"\n");
    Daemon vnumad("run_time_policy = \"" + file + "\"\n" + acting);
    const auto homes = [&] {
        return std::pair(home_of(placement_of(one)), home_of(placement_of(other)));
    };
    const auto parted = [&] { return homes() == std::pair(0, 1); };
    EXPECT_TRUE(wait_until(parted, settle_limit)) << vnumad.output();
    replace(file,
            "[guest.one]\ngroup = \"pair\"\n[guest.other]\ngroup = \"pair\"\n"
            "[group.pair]\narrangement = \"together\"\n");
    const auto together = [&] { return homes().first >= 0 && homes().first == homes().second; };
    EXPECT_TRUE(wait_until(together, settle_limit)) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    ASSERT_EQ(std::remove(file.c_str()), 0);
}

TEST(Policies, RunTimePolicyTakesEffectInTheNextTick) {
    const std::string file = "/run/lab/policy.toml";
    const Guest guest(libvirt_host(), one_vcpu("changed", 0));
    Daemon vnumad("run_time_policy = \"" + file + "\"\n" + acting);
    ASSERT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const int home = home_of(placement_of(guest)), other = 1 - home;
    ASSERT_GE(home, 0) << vnumad.output();
    replace(file, "[guest.changed]\nhome = \"" + std::to_string(other) + "\"\n");
    const auto there = [&] { return home_of(placement_of(guest)) == other; };
    EXPECT_TRUE(wait_until(there, settle_limit)) << vnumad.output();

    replace(file, "[guest.changed]\nhome = \"west\"\n");
    const auto has_problem = [](const json& report) {
        return field(report, "/policy_problem").is_string();
    };
    const json rejected = vnumad.wait_for(has_problem, settle_limit);
    EXPECT_EQ(field(rejected, "/policy_problem")
                  .get<std::string>()
                  .find(file + ":2: guest.changed.home: "),
              0U)
        << rejected;
    EXPECT_EQ(field(any_report_of(vnumad, "changed"), "/policy/home"), json({other}))
        << vnumad.output();

    ASSERT_EQ(std::remove(file.c_str()), 0);
    const auto home_is_free = [](const json& seen) { return field(seen, "/policy/home").empty(); };
    EXPECT_FALSE(wait_for_guest(vnumad, "changed", home_is_free).is_null()) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

}  // namespace
}  // namespace vnuma::lab
