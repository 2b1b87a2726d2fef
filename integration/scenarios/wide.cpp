// A guest wider than a node, without vNUMA; two nodes of two CPUs each.
#include <gtest/gtest.h>

#include <iostream>
#include <map>

#include "integration/demo/picture.hpp"
#include "integration/host/process.hpp"
#include "integration/host/transparent_huge_pages.hpp"
#include "integration/scenarios/scenario.hpp"
#include "integration/scenarios/wide_guest.hpp"

namespace vnuma::lab {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr seconds quiet_time{10};
// Where two vCPUs' buffers meet, one follows now and then; a buffer has 60.
constexpr int some_huge_pages = 4 * 512;
// A chunk that changed hands looks shared for some rounds.
constexpr seconds phase_limit{120};

bool is_split(const json& guest) {
    return field(guest, "/cells/0/verdict/reason") == "split";
}

class Wide : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { pages = std::make_unique<TransparentHugePages>("always"); }
    static void TearDownTestSuite() { pages.reset(); }

    // Until nearly all of what the guest touches is local.
    static bool becomes_local(const AccessLocality& access, seconds limit = settle_limit) {
        return wait_until([&] { return access.local_share() >= nearly_all_local; }, limit);
    }

    // The homes of its shards, by vCPU.
    static std::map<int, int> homes_by_vcpu(const json& guest) {
        std::map<int, int> homes;
        for (const json& shard : field(guest, "/cells/0/shards"))
            if (const json& home = shard.at("verdict").at("home"); home.is_number())
                for (const json& vcpu : shard.at("vcpus"))
                    homes[vcpu] = home;
        return homes;
    }

    // Half of its vCPUs have their home on each node: one node has not the CPUs, or the memory.
    static bool is_on_both_nodes(const json& guest) {
        std::map<int, int> vcpus_at;
        const std::map<int, int> homes = homes_by_vcpu(guest);
        for (const auto& [vcpu, home] : homes)
            ++vcpus_at[home];
        const int half = static_cast<int>(homes.size() / 2);
        return half > 0 && vcpus_at == std::map<int, int>{{0, half}, {1, half}};
    }

    // Every vCPU touches the buffer of one that is at home on the other node.
    static WideLoad exchanged(const std::map<int, int>& homes) {
        std::map<int, std::vector<int>> there;  // vCPUs by home
        for (const auto& [vcpu, home] : homes)
            there[home].push_back(vcpu);
        WideLoad load = private_buffers;
        for (const std::size_t i : {0U, 1U}) {
            load.buffer_owners[static_cast<std::size_t>(there[0].at(i))] = there[1].at(i);
            load.buffer_owners[static_cast<std::size_t>(there[1].at(i))] = there[0].at(i);
        }
        return load;
    }

    static inline std::unique_ptr<TransparentHugePages> pages;
};

class WideLoads : public Wide, public ::testing::WithParamInterface<WideLoad> {
  protected:
    // Seconds until nearly all is local, and stays so for the rest of them; -1: never.
    static double time_until_local() {
        DirectGuest guest(misplaced_wide("wide"));
        const AccessLocality access(guest, locate_windows(guest, GetParam()));
        Daemon vnumad(wide_config());
        wait_for_first_report(vnumad, "wide");
        const WideCourse course = watch(access, seconds(20));
        std::cout << GetParam().name << ": " << course.local_from << " s\n";
        EXPECT_FALSE(wait_for_guest(vnumad, "wide", is_split).is_null()) << vnumad.output();
        EXPECT_TRUE(guest.is_at_work());
        EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
        return course.local_from;
    }
};

TEST_P(WideLoads, NearlyAllIsLocalWithin15Seconds) {
    constexpr double limit = 15;
    double took = time_until_local();
    // An emulated host stands still for some seconds now and then: once that is no failure.
    if (took < 0 || took > limit) took = time_until_local();
    EXPECT_GE(took, 0);
    EXPECT_LE(took, limit);
}

INSTANTIATE_TEST_SUITE_P(Low, WideLoads, ::testing::ValuesIn(low_loads),
                         [](const auto& load) { return std::to_string(load.index); });

TEST_F(Wide, EachVcpusBufferIsWhereItRuns) {
    DirectGuest guest(misplaced_wide("wide"));
    const AccessLocality access(guest, locate_windows(guest, private_buffers));
    Daemon vnumad(wide_config());
    EXPECT_FALSE(wait_for_guest(vnumad, "wide", is_on_both_nodes).is_null()) << vnumad.output();
    EXPECT_TRUE(becomes_local(access)) << access.local_share() << "\n" << vnumad.output();
    const WideCourse course = watch(access, quiet_time);
    EXPECT_GE(course.least_later, nearly_all_local) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

// Of 2 GiB; its two vCPUs would fit one.
TEST_F(Wide, AGuestOfMoreMemoryThanANodeIsOnBoth) {
    GuestShape shape{"large", {{2, 2400}}, {1}, 120};
    DirectGuest guest(shape);
    const AccessLocality access(guest, locate_windows(guest, {"a buffer each", {0, 1}, 60}));
    Daemon vnumad(wide_config());
    EXPECT_FALSE(wait_for_guest(vnumad, "large", is_on_both_nodes).is_null()) << vnumad.output();
    EXPECT_TRUE(becomes_local(access)) << access.local_share() << "\n" << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST_F(Wide, VcpusThatShareABufferAreOnOneNodeWithIt) {
    DirectGuest guest(misplaced_wide("pairs"));
    const AccessLocality access(guest, locate_windows(guest, shared_in_pairs));
    Daemon vnumad(wide_config());
    const json seen = wait_for_guest(vnumad, "pairs", is_on_both_nodes);
    ASSERT_FALSE(seen.is_null()) << vnumad.output();
    std::map<int, int> homes = homes_by_vcpu(seen);
    EXPECT_EQ(homes[0], homes[2]) << seen;
    EXPECT_EQ(homes[1], homes[3]) << seen;
    EXPECT_TRUE(becomes_local(access)) << access.local_share() << "\n" << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Wide, ABufferThatAllShareIsNotMovedToAndFro) {
    DirectGuest guest(misplaced_wide("shared"));
    const AccessLocality access(guest, locate_windows(guest, shared_by_all));
    Daemon vnumad(wide_config());
    ASSERT_FALSE(wait_for_guest(vnumad, "shared", is_split).is_null()) << vnumad.output();
    EXPECT_TRUE(becomes_local(access)) << access.local_share() << "\n" << vnumad.output();
    const WideCourse course = watch(access, 3 * quiet_time);
    // No more than the buffer once, and what the guest's kernel has.
    EXPECT_LE(course.pages_moved, (2 * 120 << 20) / 4096) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Wide, AChangeOfPhaseIsFollowedOnce) {
    DirectGuest guest(misplaced_wide("phases"));
    Daemon vnumad(wide_config());
    json seen;
    {
        const AccessLocality access(guest, locate_windows(guest, private_buffers));
        seen = wait_for_guest(vnumad, "phases", is_on_both_nodes);
        ASSERT_FALSE(seen.is_null()) << vnumad.output();
        ASSERT_TRUE(becomes_local(access)) << access.local_share() << "\n" << vnumad.output();
    }
    const AccessLocality access(guest, locate_windows(guest, exchanged(homes_by_vcpu(seen))));
    EXPECT_LE(access.local_share(), 1 - nearly_all_local);
    EXPECT_TRUE(becomes_local(access, phase_limit)) << access.local_share() << "\n"
                                                    << vnumad.output();
    const WideCourse after = watch(access, 2 * quiet_time);
    EXPECT_GE(after.least_later, nearly_all_local) << vnumad.output();
    EXPECT_LE(after.pages_moved_later, some_huge_pages) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

}  // namespace
}  // namespace vnuma::lab
