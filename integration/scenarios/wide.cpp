// A guest wider than a node, without vNUMA; two nodes of two CPUs each.
#include <gtest/gtest.h>

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
    static bool becomes_local(const TrueAccess& access, seconds limit = settle_limit) {
        return wait_until([&] { return access.local_share() >= nearly_all_local; }, limit);
    }

    static inline std::unique_ptr<TransparentHugePages> pages;
};

TEST_F(Wide, EachVcpusBufferIsWhereItRuns) {
    DirectGuest guest(misplaced_wide("wide"));
    const TrueAccess access(guest, truth_of(guest, private_buffers));
    Daemon vnumad(wide_config());
    EXPECT_TRUE(becomes_local(access)) << access.local_share() << "\n" << vnumad.output();
    const WideCourse course = watch(access, quiet_time);
    EXPECT_GE(course.least_later, nearly_all_local) << vnumad.output();
    const json seen = wait_for_guest(vnumad, "wide", is_split);
    EXPECT_EQ(field(seen, "/cells/0/shards").size(), 2U) << seen;
    EXPECT_TRUE(guest.is_at_work());
    EXPECT_EQ(vnumad.stop(), 0) << vnumad.output();
}

TEST_F(Wide, VcpusThatShareABufferAreOnOneNodeWithIt) {
    DirectGuest guest(misplaced_wide("pairs"));
    const TrueAccess access(guest, truth_of(guest, shared_in_pairs));
    Daemon vnumad(wide_config());
    EXPECT_TRUE(becomes_local(access)) << access.local_share() << "\n" << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Wide, ABufferThatAllShareIsNotMovedToAndFro) {
    DirectGuest guest(misplaced_wide("shared"));
    const TrueAccess access(guest, truth_of(guest, shared_by_all));
    Daemon vnumad(wide_config());
    ASSERT_FALSE(wait_for_guest(vnumad, "shared", is_split).is_null()) << vnumad.output();
    const WideCourse course = watch(access, 3 * quiet_time);
    // No more than the buffer once, and what the guest's kernel has.
    EXPECT_LE(course.pages_moved, (2 * 120 << 20) / 4096) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

TEST_F(Wide, AChangeOfPhaseIsFollowedOnce) {
    DirectGuest guest(misplaced_wide("phases"));
    Daemon vnumad(wide_config());
    {
        const TrueAccess access(guest, truth_of(guest, private_buffers));
        ASSERT_TRUE(becomes_local(access)) << access.local_share() << "\n" << vnumad.output();
    }
    const TrueAccess access(guest, truth_of(guest, exchanged_buffers));
    EXPECT_TRUE(becomes_local(access, phase_limit)) << access.local_share() << "\n"
                                                    << vnumad.output();
    const WideCourse after = watch(access, 2 * quiet_time);
    EXPECT_GE(after.least_later, nearly_all_local) << vnumad.output();
    EXPECT_LE(after.pages_moved_later, 256) << vnumad.output();
    EXPECT_TRUE(guest.is_at_work());
}

}  // namespace
}  // namespace vnuma::lab
