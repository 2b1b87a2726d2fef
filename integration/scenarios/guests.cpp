// Scenarios about guests of every shape, how vnumad reads them and places them, on a host with two
// nodes of two CPUs each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "integration/demo/picture.hpp"
#include "integration/host/direct_guest.hpp"
#include "integration/host/files.hpp"
#include "integration/host/process.hpp"
#include "integration/scenarios/scenario.hpp"
#include "integration/scenarios/scenario_guests.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;

constexpr int some_ticks = 5;
constexpr std::int64_t huge_page_bytes = 2 << 20;
// The guest may allocate a little more between vnumad's reading and the scenario's.
constexpr std::int64_t tolerance_bytes = 16 << 20;

bool is_measured(const json& guest) {
    return guest["unsteady"] == "" && !guest["cells"][0]["memory_bytes"].empty();
}

std::int64_t reported_bytes(const json& guest, std::size_t cell, int node) {
    const json bytes =
        field(guest, "/cells/" + std::to_string(cell) + "/memory_bytes/" + std::to_string(node));
    return bytes.is_number() ? bytes.get<std::int64_t>() : 0;
}

std::int64_t bytes_on(const Placement& placement, int node) {
    const auto found = placement.memory_bytes.find(node);
    return found == placement.memory_bytes.end() ? 0 : static_cast<std::int64_t>(found->second);
}

void expect_report_agrees_with_placement(const json& seen, const RunningGuest& guest) {
    for (std::size_t cell = 0; cell < guest.shape().cells.size(); ++cell)
        for (const int node : online_nodes())
            EXPECT_NEAR(static_cast<double>(reported_bytes(seen, cell, node)),
                        static_cast<double>(bytes_on(placement_of_cell(guest, cell), node)),
                        tolerance_bytes)
                << "cell " << cell << ", node " << node << ": " << seen.dump();
}

// Each cell has its vCPU's buffer on the node where the vCPU ran first.
void expect_each_buffer_in_its_cell(const json& seen, const RunningGuest& guest) {
    for (std::size_t cell = 0; cell < guest.shape().cells.size(); ++cell) {
        const int vcpu = static_cast<int>(cell);
        EXPECT_GE(reported_bytes(seen, cell, guest.shape().first_touch_nodes.at(cell)),
                  std::int64_t{buffer_mib_of(guest.shape(), vcpu)} << 20)
            << "cell " << cell << ": " << seen.dump();
    }
}

void expect_cells_on_different_nodes(const RunningGuest& guest, const std::string& output) {
    const int first = home_of(placement_of_cell(guest, 0)),
              second = home_of(placement_of_cell(guest, 1));
    EXPECT_GE(first, 0) << output;
    EXPECT_GE(second, 0) << output;
    EXPECT_NE(first, second);
}

// The monitor may be asked where the memory of cells is, and all memory stays where it is.
constexpr const char* moving_nothing =
    "mode = \"act\"\ninterval = \"1s\"\npolicy.memory = \"none\"\n";

// Expects a right memory map of a guest whose memory vnumad has not moved yet, and then that all of
// its cells come home.
void expect_right_map_and_all_home(RunningGuest& guest, const std::string& source) {
    {
        Daemon vnumad(moving_nothing + source);
        const json seen = wait_for_guest(vnumad, guest.name(), is_measured);
        ASSERT_FALSE(seen.is_null()) << vnumad.output();
        expect_each_buffer_in_its_cell(seen, guest);
        expect_report_agrees_with_placement(seen, guest);
    }
    Daemon vnumad(acting + source);
    const json report = vnumad.wait_for(all_home, settle_limit);
    ASSERT_FALSE(report.is_null()) << vnumad.output();
    expect_cells_on_different_nodes(guest, vnumad.output());
    expect_report_agrees_with_placement(find_guest(report, guest.name()), guest);
    EXPECT_TRUE(guest.is_at_work());
}

int failed_actions(Daemon& vnumad) {
    int failed = 0;
    for (const json& report : vnumad.take_reports())
        for (const json& action : report.value("actions", json::array()))
            failed += action.contains("error") ? 1 : 0;
    return failed;
}

bool is_within(const std::vector<int>& cpus, const std::vector<int>& allowed) {
    return std::includes(allowed.begin(), allowed.end(), cpus.begin(), cpus.end());
}

TEST(Guests, EqualCellsAreToldApartAndComeHome) {
    Guest guest(libvirt_host(), equal_cells("crossed", {1, 0}));
    expect_right_map_and_all_home(guest, "");
}

TEST(Guests, EqualCellsOnOneNodeEndOnDifferentNodes) {
    // Unlike in the scenario above the large buffer is that of cell 0, and half of the memory has
    // to move.
    Guest guest(libvirt_host(), equal_cells("heaped", {0, 0}, {180, 40}));
    expect_right_map_and_all_home(guest, "");
}

TEST(Guests, WithoutAMonitorEqualCellsAreLeftAlone) {
    // On one node it would not matter whose memory is whose.
    Guest guest(libvirt_host(), equal_cells("ambiguous", {1, 0}));
    const auto before = affinities_of(guest);
    Daemon vnumad(std::string(acting) + "[libvirt]\nmonitor = \"never\"\n");
    const auto later = [](const json& report) { return report["tick"] >= some_ticks; };
    const json report = vnumad.wait_for(later, settle_limit);
    EXPECT_TRUE(is_unsteady_because(find_guest(report, "ambiguous"), "ambiguous"))
        << vnumad.output();
    EXPECT_EQ(field(report, "/actions"), json::array());
    EXPECT_EQ(affinities_of(guest), before);
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Guests, InModeObserveNoMonitorIsAskedAndNoDomainIsTainted) {
    Guest guest(libvirt_host(), equal_cells("untouched", {0, 0}));
    const auto before = affinities_of(guest);
    Daemon vnumad(observing);
    const auto later = [](const json& report) { return report["tick"] >= some_ticks; };
    const json report = vnumad.wait_for(later, settle_limit);
    EXPECT_TRUE(is_unsteady_because(find_guest(report, "untouched"), "only if vnumad may act"))
        << vnumad.output();
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
    constexpr const char* log = "/run/lab/virsh.log";
    EXPECT_EQ(run_program({"virsh", "dominfo", "untouched"}, log), 0) << read_text(log);
    EXPECT_EQ(read_text(log).find("custom-monitor"), std::string::npos) << read_text(log);
    EXPECT_EQ(affinities_of(guest), before);
    EXPECT_TRUE(guest.is_at_work());
}

class HugePages : public ::testing::Test {
  protected:
    // A guest's huge pages are allocated when it starts, and only node 1 has a pool then.
    void SetUp() override { set_huge_pages(1, huge_pages_needed); }
    void TearDown() override {
        set_huge_pages(0, 0);
        set_huge_pages(1, 0);
    }
    static json block_of(const json& guest) { return field(guest, "/cells/0/blocks/0"); }

    // A guest whose owner pins the vCPUs to node 0, while its pages are on node 1.
    static GuestShape split(const std::string& name) {
        GuestShape shape = with_huge_pages(name);
        shape.elements +=
            "<cputune><vcpupin vcpu='0' cpuset='0-1'/><vcpupin vcpu='1' cpuset='0-1'/></cputune>";
        return shape;
    }
};

TEST_F(HugePages, MoveWhereThePoolHasFreeOnes) {
    Guest guest(libvirt_host(), split("huge"));
    ASSERT_GT(placement_of(guest).memory_share[1], 0.99) << "the memory did not start on node 1";
    set_huge_pages(0, huge_pages_needed);

    Daemon vnumad(acting);
    const json report = vnumad.wait_for(all_home, settle_limit);
    EXPECT_FALSE(report.is_null()) << vnumad.output();
    EXPECT_EQ(home_of(placement_of(guest)), 0) << vnumad.output();
    const json block = block_of(find_guest(report, "huge"));
    EXPECT_EQ(field(block, "/hugetlb"), true) << block;
    EXPECT_EQ(field(block, "/page_bytes"), huge_page_bytes) << block;
    EXPECT_EQ(field(block, "/bytes"), huge_pages_needed * huge_page_bytes) << block;
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(HugePages, StayWhereTheyAreWhenTheOtherPoolIsEmpty) {
    GuestShape shape = with_huge_pages("stuck");
    shape.first_touch_nodes = {0};
    Guest guest(libvirt_host(), shape);
    Daemon vnumad(acting);
    const auto decided = [](const json& guest) {
        return guest["unsteady"] == "" && field(guest, "/cells/0/verdict/reason") != "settling";
    };
    const json seen = wait_for_guest(vnumad, "stuck", decided);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    const json verdict = field(seen, "/cells/0/verdict");
    EXPECT_TRUE(field(verdict, "/reason") == "no-room" || field(verdict, "/home") == 1) << verdict;
    vnumad.wait_for([](const json& report) { return report["tick"] >= 2 * some_ticks; },
                    settle_limit);
    EXPECT_LE(failed_actions(vnumad), 1) << vnumad.output();
    EXPECT_GT(placement_of(guest).memory_share[1], 0.99);
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(HugePages, AreNotAllocatedOutsideThePool) {
    // A move makes the kernel allocate surplus huge pages if the pool of the target node is empty.
    Guest guest(libvirt_host(), split("walled"));
    Daemon vnumad(acting);
    const auto decided = [](const json& guest) { return guest["unsteady"] == ""; };
    const json seen = wait_for_guest(vnumad, "walled", decided);
    EXPECT_EQ(field(seen, "/cells/0/verdict/reason"), "too-large") << seen;
    vnumad.wait_for([](const json& report) { return report["tick"] >= 2 * some_ticks; },
                    settle_limit);
    EXPECT_LE(failed_actions(vnumad), 1) << vnumad.output();
    EXPECT_GT(placement_of(guest).memory_share[1], 0.99);
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Guests, SharedMemoryComesHome) {
    Guest guest(libvirt_host(), with_shared_memory("shared"));
    ASSERT_EQ(home_of(placement_of(guest)), -1);
    Daemon vnumad(acting);
    const json report = vnumad.wait_for(all_home, settle_limit);
    EXPECT_FALSE(report.is_null()) << vnumad.output();
    EXPECT_GE(home_of(placement_of(guest)), 0) << vnumad.output();
    const json block = field(find_guest(report, "shared"), "/cells/0/blocks/0");
    EXPECT_EQ(field(block, "/shared"), true) << block;
    EXPECT_EQ(field(block, "/hugetlb"), false) << block;
    EXPECT_EQ(field(block, "/page_bytes"), 4096) << block;
    EXPECT_TRUE(guest.is_at_work());
}

struct ResidencyCase {
    const char* test_name;
    const char* config;
    const char* mode;
    const char* way;
};

class EveryWay : public ::testing::TestWithParam<ResidencyCase> {
  protected:
    // All ways share one guest, since vnumad moves none of its memory.
    static void SetUpTestSuite() {
        guest = std::make_unique<Guest>(libvirt_host(), equal_cells("measured", {1, 0}));
    }
    static void TearDownTestSuite() { guest.reset(); }
    static inline std::unique_ptr<Guest> guest;
};

TEST_P(EveryWay, OfReadingResidencyAgreesWithNumaMaps) {
    Daemon vnumad(std::string(moving_nothing) + "[memory]\n" + GetParam().config);
    // Incremental and sampled readings are complete after a while.
    const auto agrees = [&](const json& seen) {
        if (!is_measured(seen) || field(seen, "/residency/mode") != GetParam().mode) return false;
        for (std::size_t cell = 0; cell < 2; ++cell)
            for (const int node : online_nodes())
                if (std::abs(reported_bytes(seen, cell, node) -
                             bytes_on(placement_of_cell(*guest, cell), node)) > tolerance_bytes)
                    return false;
        return true;
    };
    const json seen = wait_for_guest(vnumad, "measured", agrees);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    EXPECT_EQ(field(seen, "/residency/way"), GetParam().way) << field(seen, "/residency");
    EXPECT_TRUE(guest->is_at_work());
}

INSTANTIATE_TEST_SUITE_P(
    Guests, EveryWay,
    ::testing::Values(
        ResidencyCase{"summed", "residency = \"summed\"\n", "summed", "numa_maps"},
        ResidencyCase{"full", "residency = \"full\"\n", "full", "move_pages"},
        ResidencyCase{"sampled", "residency = \"sampled\"\n", "sampled", "move_pages"},
        ResidencyCase{"incremental", "residency = \"incremental\"\n", "incremental", "move_pages"},
        ResidencyCase{"pagemap", "residency = \"incremental\"\npagemap = true\n", "incremental",
                      "pagemap"}),
    [](const auto& info) { return info.param.test_name; });

TEST(Guests, MemoryReadInSlicesComesHomeAndIsKnownToBeThere) {
    Guest guest(libvirt_host(), equal_cells("sliced", {1, 0}));
    Daemon vnumad(std::string(acting) + "memory.residency = \"incremental\"\n");
    // Several ticks in a row, so that no action follows from an outdated reading.
    int settled = 0;
    const auto stays_settled = [&](const json& report) {
        settled = all_home(report) && report["actions"].empty() ? settled + 1 : 0;
        return settled == some_ticks;
    };
    EXPECT_FALSE(vnumad.wait_for(stays_settled, settle_limit).is_null()) << vnumad.output();
    expect_cells_on_different_nodes(guest, vnumad.output());
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Guests, HelperThreadsAreReported) {
    Guest guest(libvirt_host(), with_helper_threads("helped"));
    Daemon vnumad(acting);
    const json report = vnumad.wait_for(all_home, settle_limit);
    EXPECT_FALSE(report.is_null()) << vnumad.output();
    const json threads = field(find_guest(report, "helped"), "/threads");
    EXPECT_EQ(field(threads, "/iothreads/0/name"), "IO iothread1") << threads;
    EXPECT_EQ(field(threads, "/iothreads").size(), 1U) << threads;
    EXPECT_FALSE(field(threads, "/vhost").empty()) << threads;
    EXPECT_FALSE(field(threads, "/emulator").empty()) << threads;
    EXPECT_GE(home_of(placement_of(guest)), 0) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Guests, TheOwnersTuningIsReportedAndKept) {
    Guest guest(libvirt_host(), with_owners_tuning("wishful"));
    const std::vector<int> allowed{0, 1, 2};
    const auto before = affinities_of(guest);
    for (const auto& [vcpu, thread] : guest.vcpu_threads())
        ASSERT_EQ(affinity_of(thread), allowed);

    Daemon vnumad(acting);
    const json report = vnumad.wait_for(all_home, settle_limit);
    EXPECT_FALSE(report.is_null()) << vnumad.output();
    const json seen = find_guest(report, "wishful"), tuning = field(seen, "/tuning");
    EXPECT_EQ(field(tuning, "/placement"), "static") << tuning;
    EXPECT_EQ(field(tuning, "/numatune"), json({{"mode", "strict"}, {"nodes", "0"}})) << tuning;
    EXPECT_EQ(field(tuning, "/vcpupin"), json({{"0", "0-2"}, {"1", "0-2"}})) << tuning;
    EXPECT_EQ(field(tuning, "/emulatorpin"), "0-1") << tuning;
    EXPECT_EQ(field(tuning, "/cputune/shares"), 2048) << tuning;
    EXPECT_EQ(field(seen, "/cells/0/vcpus/0/vcpupin"), "0-2") << seen;
    EXPECT_EQ(field(seen, "/cells/0/vcpus/0/cpuset"), "0-2") << seen;

    EXPECT_EQ(home_of(placement_of(guest)), 0) << vnumad.output();
    EXPECT_EQ(placement_of(guest).memory_bytes[1], 0U);
    for (const auto& [thread, cpus] : affinities_of(guest))
        EXPECT_TRUE(is_within(cpus, before.at(thread))) << "thread " << thread;
    EXPECT_EQ(vnumad.stop(), 0);
    EXPECT_EQ(affinities_of(guest), before);
    EXPECT_TRUE(guest.is_at_work());
}

TEST(Guests, AQemuWithoutLibvirtIsServedThroughItsMonitor) {
    DirectGuest guest(equal_cells("direct", {1, 0}));
    expect_right_map_and_all_home(guest, qmp_config);
    Daemon vnumad(std::string(moving_nothing) + qmp_config);
    const json seen = wait_for_guest(vnumad, "direct", is_measured);
    EXPECT_EQ(field(seen, "/source"), "qmp") << vnumad.output();
    EXPECT_EQ(field(seen, "/uuid"), guest.uuid()) << seen;
    EXPECT_EQ(field(seen, "/pid"), guest.pid()) << seen;
    EXPECT_EQ(field(seen, "/cells/0/map"), "monitor") << seen;
    for (const auto& [vcpu, thread] : guest.vcpu_threads())
        EXPECT_EQ(field(seen, "/cells/" + std::to_string(vcpu) + "/vcpus/0/thread"), thread)
            << seen;
}

}  // namespace
}  // namespace vnuma::lab
