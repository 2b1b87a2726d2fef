// Scenarios about access tracking, on a host with two nodes of two CPUs each.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <set>

#include "integration/demo/picture.hpp"
#include "integration/host/access_locality.hpp"
#include "integration/host/direct_guest.hpp"
#include "integration/host/fault_programs.hpp"
#include "integration/host/kdamonds.hpp"
#include "integration/host/process.hpp"
#include "integration/host/transparent_huge_pages.hpp"
#include "integration/host/workload_pattern.hpp"
#include "integration/scenarios/accuracy.hpp"
#include "integration/scenarios/scenario.hpp"
#include "integration/scenarios/scenario_guests.hpp"
#include "integration/scenarios/tracking_report.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

constexpr int some_ticks = 10;
constexpr int nearly_all = 900, nearly_all_named = 950;  // per mille
// Scans and rounds come soon, so that scenarios are short, however long they take in emulation.
constexpr const char* soon =
    "longest_stall = \"1min\"\noverhead = 0.3\nmin_period = \"2s\"\nmax_period = \"5s\"\n";
constexpr Window tenth{0, 10};

std::string tracking_with(const std::string& tracking, const std::string& interval = "1s") {
    return with_tracking("mode = \"act\"\ninterval = \"" + interval + "\"\n" + qmp_config,
                         soon + tracking);
}

json heat_of(const json& guest, const std::string& what) {
    return field(guest, "/tracking/heat/" + what);
}

json attribution_of(const json& guest, const std::string& what) {
    return field(guest, "/tracking/attribution/" + what);
}

// A command that runs vnumad with these directories below /sys/kernel empty.
std::vector<std::string> on_a_kernel_without(const std::string& directories) {
    const std::string hide = "for missing in " + directories +
                             "; do mount -t tmpfs none /sys/kernel/$missing || exit; done; "
                             "exec \"$@\"";
    return {"unshare", "-m", "sh", "-c", hide, "sh"};
}

bool is_positive(const json& number) {
    return number.is_number() && number > 0;
}

// Whether the report says why the tracker, or "bpf", is missing.
bool is_missing(const json& report, const std::string& what) {
    const json reason = field(report, "/tracking/missing/" + what);
    return reason.is_string() && reason != "";
}

bool has_scanned(const json& guest) {
    return is_positive(heat_of(guest, "scans"));
}

// Waits for a report whose accuracy meets the condition. Returns the accuracy of the last report.
template <typename Condition>
Accuracy wait_for_accuracy(Daemon& vnumad, const std::string& guest, const json& truth,
                           Condition is_good) {
    Accuracy accuracy;
    wait_for_guest(vnumad, guest, [&](const json& seen) {
        if (field(seen, "/tracking/map").is_null()) return false;
        accuracy = accuracy_of(seen, truth);
        return is_good(accuracy);
    });
    return accuracy;
}

// Precision is checked within the buffers only, since the true accesses of the guest's kernel are
// unknown.
void expect_hot_chunks_are_found(Daemon& vnumad, const std::string& guest, const json& truth) {
    const Accuracy accuracy = wait_for_accuracy(vnumad, guest, truth, [](const Accuracy& accuracy) {
        return accuracy.recall() >= nearly_all && accuracy.precision_in_buffers() >= nearly_all;
    });
    EXPECT_GE(accuracy.recall(), nearly_all)
        << accuracy.hot_found << " of " << accuracy.hot << " chunks\n"
        << vnumad.output();
    EXPECT_GE(accuracy.precision_in_buffers(), nearly_all)
        << accuracy.claimed_right << " of " << accuracy.claimed << " chunks, "
        << accuracy.claimed_elsewhere << " outside the buffers";
}

// Most scenarios share one guest that fits a node.
class Tracking : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        pages = std::make_unique<TransparentHugePages>("always");
        guest = std::make_unique<DirectGuest>(with_big_buffers("tracked"));
    }
    static void TearDownTestSuite() {
        guest.reset();
        pages.reset();
    }
    static json hot_tenth(Access access) {
        return guest->locate_windows(own_windows(guest->shape(), tenth, access));
    }

    // Waits until each vCPU has made this many accesses from now on.
    static void wait_for_accesses(std::uint64_t count) {
        guest->skip_reports();
        std::map<int, std::uint64_t> accesses;
        const auto enough = [&] {
            const json report = guest->next_report(settle_limit);
            for (const json& thread : report["threads"])
                accesses[thread["cpu"]] += thread["accesses"].get<std::uint64_t>();
            return accesses.size() == 2 && accesses[0] >= count && accesses[1] >= count;
        };
        ASSERT_TRUE(wait_until(enough, settle_limit));
    }
    // Starts a vnumad and kills it during a scan.
    static void kill_during_a_scan(const std::string& config) {
        Daemon killed(config);
        ASSERT_TRUE(wait_until([] { return is_monitored(guest->pid()); }, settle_limit))
            << killed.output();
        ::kill(killed.pid(), SIGKILL);
        EXPECT_EQ(killed.wait_for_end(settle_limit), 128 + SIGKILL);
        ASSERT_GT(kdamonds(), 0) << "vnumad was not killed during a scan";
    }
    static std::uint64_t byte_at(std::uint64_t guest_physical) {
        const std::string answer =
            guest->execute("human-monitor-command",
                           {{"command-line", "xp /1xb " + std::to_string(guest_physical)}});
        return std::strtoul(answer.substr(answer.find(':') + 1).c_str(), nullptr, 16);
    }

    static inline std::unique_ptr<TransparentHugePages> pages;
    static void stop_accesses() {
        guest->send(idle_buffers(guest->shape()));
        ASSERT_TRUE(wait_until([] { return guest->next_report(settle_limit)["threads"].empty(); },
                               settle_limit));
    }

    static inline std::unique_ptr<DirectGuest> guest;
};

TEST_F(Tracking, IsComparedWithATruthThatTheMonitorConfirms) {
    const json truth = hot_tenth(Access::write);
    constexpr std::uint64_t page = 4096, window = std::uint64_t{20} << 20, every = 97;
    wait_for_accesses(2 * window / page);
    stop_accesses();

    // The workload writes to each page the sum of the page's index in the window and the number of
    // the pass. The last pass may be incomplete. The monitor reads by guest-physical address.
    std::set<std::uint64_t> passes;
    std::uint64_t number = 0;
    for (const json& range : truth[1]["ranges"])
        for (std::uint64_t at = 0; at < range[1]; at += page, ++number)
            if (number % every == 0)
                passes.insert((byte_at(range[0].get<std::uint64_t>() + at) - number) & 0xff);
    EXPECT_EQ(number * page, window);
    EXPECT_LE(passes.size(), 2U);
}

TEST_F(Tracking, FindsTheHotChunksOfASteadyPattern) {
    const json truth = hot_tenth(Access::read);
    Daemon vnumad(tracking_with(""));
    expect_hot_chunks_are_found(vnumad, guest->name(), truth);
}

TEST_F(Tracking, FindsWrittenBuffersBySoftDirtyBits) {
    const json truth = hot_tenth(Access::write);
    Daemon vnumad(tracking_with("heat = \"soft-dirty\"\n"));
    expect_hot_chunks_are_found(vnumad, guest->name(), truth);
    const json seen = wait_for_guest(vnumad, guest->name(), has_scanned);
    EXPECT_EQ(heat_of(seen, "tracker"), "soft-dirty") << seen;
    EXPECT_EQ(heat_of(seen, "reads"), false) << seen;
    EXPECT_TRUE(guest->is_at_work());
}

TEST_F(Tracking, ReportsAWriteRateIfItCannotMeasureChunks) {
    hot_tenth(Access::write);
    Daemon vnumad(tracking_with("heat = \"dirty-rate\"\n"));
    const auto has_rate = [](const json& seen) {
        return has_scanned(seen) && is_positive(heat_of(seen, "written/mib_per_s"));
    };
    const json seen = wait_for_guest(vnumad, guest->name(), has_rate);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(heat_of(seen, "tracker"), "dirty-rate") << seen;
    EXPECT_EQ(heat_of(seen, "per_chunk"), false) << seen;
    EXPECT_TRUE(guest->is_at_work());
}

TEST_F(Tracking, DoesNotScanAnIdleGuest) {
    stop_accesses();
    // In emulation the guest's kernel, and QEMU as it answers vnumad, use so much CPU time that
    // only some ticks find the guest idle.
    Daemon vnumad(tracking_with("", "3s"));
    int idle_ticks = 0;
    json scans;  // at the previous tick, if the guest was idle then
    bool scanned = false;
    const auto idle_for_long = [&](const json& seen) {
        const bool idle =
            heat_of(seen, "waits_for") == "the guest is idle: it uses less than 5 % of a CPU";
        idle_ticks += idle ? 1 : 0;
        scanned |= idle && !scans.is_null() && scans != heat_of(seen, "scans");
        scans = idle ? heat_of(seen, "scans") : json();
        return idle_ticks > some_ticks;
    };
    EXPECT_FALSE(wait_for_guest(vnumad, guest->name(), idle_for_long).is_null()) << vnumad.output();
    EXPECT_FALSE(scanned) << vnumad.output();
}

TEST_F(Tracking, LeavesKdamondsOfAnotherProgramAloneAndUsesAnotherTracker) {
    hot_tenth(Access::write);
    const KdamondOfAnotherProgram foreign;
    Daemon vnumad(tracking_with(""));
    const auto scanned = [](const json& report) {
        return has_scanned(find_guest(report, guest->name()));
    };
    const json report = vnumad.wait_for(scanned, settle_limit);
    EXPECT_FALSE(report.is_null()) << vnumad.output();
    EXPECT_NE(heat_of(find_guest(report, guest->name()), "tracker"), "damon") << report;
    EXPECT_EQ(field(report, "/tracking/missing/damon"),
              "DAMON is in use: another program has set nr_kdamonds to 1");
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    EXPECT_EQ(kdamonds(), 1);
}

TEST_F(Tracking, RemovesKdamondsThatAKilledVnumadHasLeft) {
    hot_tenth(Access::read);
    const std::string config = tracking_with("heat = \"damon\"\n");
    ASSERT_NO_FATAL_FAILURE(kill_during_a_scan(config));
    Daemon vnumad(config);
    const json seen = wait_for_guest(vnumad, guest->name(), has_scanned);
    EXPECT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(heat_of(seen, "tracker"), "damon") << seen;
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    EXPECT_EQ(kdamonds(), 0);
}

TEST_F(Tracking, RemovesKdamondsOfAKilledVnumadEvenIfHeatIsOff) {
    hot_tenth(Access::read);
    ASSERT_NO_FATAL_FAILURE(kill_during_a_scan(tracking_with("heat = \"damon\"\n")));
    Daemon vnumad(tracking_with("heat = \"none\"\n"));
    EXPECT_TRUE(wait_until([] { return kdamonds() == 0; }, settle_limit)) << vnumad.output();
    // They go before vnumad is ready to be stopped in order.
    const auto any = [](const auto&) { return true; };
    EXPECT_FALSE(vnumad.wait_for(any, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST_F(Tracking, WithoutCapabilitiesIsOffWithAReasonAndTheGuestComesHome) {
    hot_tenth(Access::write);
    const DamonFilesOfAnotherUser foreign;
    Daemon vnumad(
        with_tracking(std::string(acting) + qmp_config, std::string(soon) + "heat = \"damon\"\n"),
        {"setpriv", "--inh-caps", "-all", "--bounding-set",
         "-bpf,-perfmon,-sys_admin,-dac_override"});
    EXPECT_FALSE(vnumad.wait_for(all_home, settle_limit).is_null()) << vnumad.output();
    const auto has_reasons = [](const json& report) {
        return is_missing(report, "damon") && is_missing(report, "bpf");
    };
    const json report = vnumad.wait_for(has_reasons, settle_limit);
    EXPECT_FALSE(report.is_null()) << vnumad.output();
    EXPECT_EQ(heat_of(find_guest(report, guest->name()), "scans"), 0) << report;
    EXPECT_GE(home_of(placement_of(*guest)), 0) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST_F(Tracking, OnAKernelWithoutDamonAndBtfUsesTheDirtyRateAndSaysWhy) {
    hot_tenth(Access::write);
    Daemon vnumad(tracking_with(""), on_a_kernel_without("btf mm/damon tracing"));
    const auto scanned = [](const json& report) {
        return has_scanned(find_guest(report, guest->name()));
    };
    const json report = vnumad.wait_for(scanned, settle_limit);
    EXPECT_FALSE(report.is_null()) << vnumad.output();
    EXPECT_TRUE(is_missing(report, "damon")) << report;
    EXPECT_TRUE(is_missing(report, "bpf")) << report;
    EXPECT_EQ(heat_of(find_guest(report, guest->name()), "tracker"), "dirty-rate") << report;
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

// The measurement goes through libvirt, and the guest has a dirty ring.
TEST(TrackingOfAGuestWithADirtyRing, ReportsAWriteRatePerVcpu) {
    GuestShape shape = with_big_buffers("ringed");
    shape.features = "<kvm><dirty-ring state='on' size='4096'/></kvm>";
    Guest guest(libvirt_host(), shape);
    Daemon vnumad(with_tracking("mode = \"act\"\ninterval = \"1s\"\n",
                                std::string(soon) + "heat = \"dirty-rate\"\n"));
    const auto has_rates = [](const json& seen) {
        return is_positive(heat_of(seen, "written/by_vcpu/0")) &&
               is_positive(heat_of(seen, "written/by_vcpu/1"));
    };
    const json seen = wait_for_guest(vnumad, "ringed", has_rates);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(heat_of(seen, "tracker"), "dirty-rate") << seen;
    EXPECT_EQ(heat_of(seen, "per_vcpu"), true) << seen;
    EXPECT_TRUE(guest.is_at_work());
}

TEST(TrackingOfAWideGuest, GoesOnWhenItIsKilledDuringARound) {
    auto victim = std::make_unique<DirectGuest>(wider_than_a_node("victim"));
    Daemon vnumad(tracking_with(""));
    const auto in_a_round = [](const json& seen) {
        return is_positive(attribution_of(seen, "stall_us")) && attribution_of(seen, "rounds") == 0;
    };
    ASSERT_FALSE(wait_for_guest(vnumad, "victim", in_a_round).is_null()) << vnumad.output();
    ASSERT_EQ(::kill(victim->pid(), SIGKILL), 0);
    const auto nobody = [](const json& report) {
        return report.contains("guests") && report["guests"].empty();
    };
    EXPECT_FALSE(vnumad.wait_for(nobody, settle_limit).is_null()) << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    EXPECT_EQ(kdamonds(), 0);
}

TEST(TrackingOfAWideGuest, FindsTheAccessorsWithoutTracefsAndLeavesNoBpfProgramWhenKilled) {
    const TransparentHugePages pages("always");
    DirectGuest guest(wider_than_a_node("wide"));
    const json truth = guest.locate_windows(own_windows(guest.shape(), {}, Access::write));
    Daemon vnumad(tracking_with(""), on_a_kernel_without("tracing"));
    const Accuracy accuracy = wait_for_accuracy(
        vnumad, guest.name(), truth,
        [](const Accuracy& accuracy) { return accuracy.attributed() >= nearly_all_named; });
    EXPECT_GE(accuracy.attributed(), nearly_all_named)
        << accuracy.named_right << " right accessors of " << accuracy.named << " reported for "
        << accuracy.hot << " hot chunks\n"
        << vnumad.output();
    EXPECT_NE(fault_programs(), "");
    ASSERT_EQ(::kill(vnumad.pid(), SIGKILL), 0);
    EXPECT_EQ(vnumad.wait_for_end(settle_limit), 128 + SIGKILL);
    EXPECT_TRUE(wait_until([] { return fault_programs().empty(); }, settle_limit))
        << "the kernel removes BPF programs of a killed process";
    EXPECT_TRUE(guest.is_at_work());
}

TEST(TrackingOfAGuestThatMoves, BringsHotMemoryHomeFirst) {
    const TransparentHugePages pages("always");
    GuestShape shape = with_big_buffers("moving");
    shape.first_touch_nodes = {1};
    DirectGuest guest(shape);
    const AccessLocality access(
        guest, guest.locate_windows(own_windows(guest.shape(), {45, 10}, Access::write)));
    // At this rate all of the memory, over 400 MiB, takes 80 s. A tenth of it is hot.
    Daemon vnumad(tracking_with("") + "[memory]\nrate = \"5M\"\n[guest.moving]\nhome = \"0\"\n");
    const auto at_home = [&] { return placement_of(guest).vcpu_nodes == std::vector<int>{0, 0}; };
    ASSERT_TRUE(wait_until(at_home, settle_limit)) << vnumad.output();
    EXPECT_TRUE(
        wait_until([&] { return access.local_share() >= nearly_all_named / 1000.0; }, settle_limit))
        << access.local_share() << "\n"
        << vnumad.output();
    EXPECT_LT(placement_of(guest).memory_share[0], 0.5) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST(TrackingOfCells, HasNoRounds) {
    // The first cell fits no node, as a wide guest does, but a cell is not split into shards.
    GuestShape shape = equal_cells("celled");
    shape.cells = {{3, 256}, {1, 256}};
    shape.first_touch_nodes = {0, 1};
    shape.buffers_mib = {30, 30, 30, 60};
    DirectGuest guest(shape);
    Daemon vnumad(tracking_with(""));
    const auto scanned_twice = [](const json& seen) { return heat_of(seen, "scans") > 1; };
    const json seen = wait_for_guest(vnumad, guest.name(), scanned_twice);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(field(seen, "/cells/0/verdict/reason"), "too-large") << seen;
    EXPECT_EQ(attribution_of(seen, "wanted"), false) << seen;
    EXPECT_EQ(attribution_of(seen, "rounds"), 0) << seen;
}

TEST(TrackingOfTwoGuests, GoesOnWhenOneIsKilledDuringAScan) {
    auto victim = std::make_unique<DirectGuest>(equal_cells("victim"));
    DirectGuest other(equal_cells("other"));
    Daemon vnumad(tracking_with("heat = \"damon\"\n"));
    ASSERT_TRUE(wait_until([&] { return is_monitored(victim->pid()); }, settle_limit))
        << vnumad.output();
    ASSERT_EQ(::kill(victim->pid(), SIGKILL), 0);

    const auto only_other = [](const json& report) {
        return report.contains("guests") && report["guests"].size() == 1;
    };
    const json seen = find_guest(vnumad.wait_for(only_other, settle_limit), "other");
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    const json before = heat_of(seen, "scans");
    const auto scanned_again = [&](const json& seen) { return heat_of(seen, "scans") > before; };
    EXPECT_FALSE(wait_for_guest(vnumad, "other", scanned_again).is_null()) << vnumad.output();
    EXPECT_TRUE(other.is_at_work());
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    EXPECT_EQ(kdamonds(), 0);
}

}  // namespace
}  // namespace vnuma::lab
