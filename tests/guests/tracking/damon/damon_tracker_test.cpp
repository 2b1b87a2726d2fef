#include "guests/tracking/damon/damon_tracker.hpp"

#include <signal.h>
#include <sys/wait.h>

#include "tests/guests/tracking/damon/damon_tracker_fixture.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace test;
using std::chrono::milliseconds;

TEST_F(DamonTrackerTest, AScanMeasuresTheLevelsOfTheGuestsMemory) {
    const auto tracker = make();
    fake.report = [](std::vector<DamonRegion> regions) {
        regions[1].accesses = 12;
        regions[2].accesses = 6;
        return regions;
    };
    const auto scan = tracker->begin(small_guest(), scan_duration);
    ASSERT_TRUE(scan);
    EXPECT_TRUE(fake.is_on(0));
    const auto result = scan->finish();
    ASSERT_TRUE(result);
    EXPECT_FALSE(fake.is_on(0));
    ASSERT_EQ(result->accessed.size(), 11U);
    EXPECT_EQ(result->accessed[0].level, 0);
    EXPECT_EQ(result->accessed[1],
              (AccessedRange{ram_base + chunk_bytes, ram_base + 2 * chunk_bytes, max_level}));
    EXPECT_EQ(result->accessed[2].level, max_level / 2);
    EXPECT_EQ(result->cost, milliseconds(5));
    EXPECT_EQ(result->warning, "");
}

TEST_F(DamonTrackerTest, AnIncompleteReportIsAWarning) {
    const auto tracker = make();
    fake.report = [](std::vector<DamonRegion> regions) {
        regions.resize(5);
        return regions;
    };
    const auto result = tracker->begin(small_guest(), scan_duration)->finish();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->accessed.size(), 5U);
    EXPECT_EQ(result->warning, "DAMON reported only 10 of 22 MiB");
}

TEST_F(DamonTrackerTest, AScanWithAnEmptyReportFails) {
    const auto tracker = make();
    fake.report = [](const auto&) { return std::vector<DamonRegion>(); };
    const auto scan = tracker->begin(small_guest(), scan_duration);
    EXPECT_THROW(scan->finish(), TrackingError);
}

TEST_F(DamonTrackerTest, TheReportOfAnEarlierScanIsNotTakenForANewOne) {
    const auto tracker = make();
    ASSERT_TRUE(tracker->begin(small_guest(), scan_duration)->finish());
    const auto scan = tracker->begin(small_guest(), scan_duration);
    fake.report = [this](std::vector<DamonRegion> regions) {
        fake.end(0);
        return regions;
    };
    EXPECT_THROW(scan->finish(), TrackingError);
}

TEST_F(DamonTrackerTest, AKernelWithoutIntervalsOfSchemesGetsShortAggregations) {
    fake.has_apply_interval = false;
    const auto tracker = make();
    EXPECT_TRUE(tracker->begin(small_guest(), milliseconds(1'300))->finish());
    EXPECT_EQ(fake.files["0/contexts/0/monitoring_attrs/intervals/aggr_us"], "300000");
}

TEST_F(DamonTrackerTest, AGuestThatHasEndedIsNotScanned) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const GuestSample guest = guest_of({{ram_base, chunk_bytes}}, child);
    const auto tracker = make();
    const auto scan = tracker->begin(guest, scan_duration);
    EXPECT_TRUE(scan);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    fake.end(0);
    fake.written.clear();
    EXPECT_THROW(scan->finish(), TrackingError);
    EXPECT_EQ(error_of_beginning(*tracker, guest), "the guest has ended");
    for (const std::string& write : fake.written)
        EXPECT_FALSE(write.ends_with("state=on")) << "the pid may be another process's by now";
}

TEST_F(DamonTrackerTest, TheNextScanOfALargeGuestBeginsWithTheRegionsOfTheLast) {
    const auto tracker = make();
    const GuestSample guest = guest_of({{ram_base, 4'000 * chunk_bytes}});
    const std::uint64_t border = ram_base + 1'000 * chunk_bytes;
    fake.report = [&](const auto&) {
        return std::vector<DamonRegion>{
            {ram_base, border, 0},
            {border, border + 2 * chunk_bytes, 4},
            {border + 2 * chunk_bytes, ram_base + 4'000 * chunk_bytes, 0}};
    };
    tracker->begin(guest, scan_duration)->finish();
    EXPECT_EQ(fake.files["0/contexts/0/targets/0/regions/nr_regions"], "1000");
    const auto scan = tracker->begin(guest, scan_duration);
    EXPECT_EQ(fake.files["0/contexts/0/targets/0/regions/nr_regions"], "4");
    EXPECT_EQ(fake.files["0/contexts/0/targets/0/regions/1/start"], std::to_string(border));
    const auto other = tracker->begin(guest_of({{ram_base, 4'001 * chunk_bytes}}), scan_duration);
    EXPECT_NE(fake.files["1/contexts/0/targets/0/regions/nr_regions"], "4")
        << "the other guest has other memory";
}

TEST_F(DamonTrackerTest, TheEstimateFollowsTheCostOfScans) {
    const auto tracker = make();
    const GuestSample guest = small_guest();
    const auto guess = tracker->estimate(guest);
    EXPECT_GT(guess.count(), 0);
    EXPECT_GT(tracker->estimate(small_guest(500)), guess);
    fake.cpu = std::chrono::seconds(1);
    for (int i = 0; i < 30; ++i)
        tracker->begin(guest, scan_duration)->finish();
    EXPECT_GT(tracker->estimate(guest), milliseconds(900));
    EXPECT_LT(tracker->estimate(guest), milliseconds(1'300));
}

TEST_F(DamonTrackerTest, AGuestThatCannotBeScannedHasAReason) {
    const auto tracker = make();
    EXPECT_EQ(tracker->unsupported_reason(small_guest()), "");
    EXPECT_EQ(tracker->unsupported_reason(guest_of({})),
              "the addresses of the guest's memory are unknown");
    EXPECT_EQ(tracker->unsupported_reason(
                  guest_of(std::vector<RamRange>(1'025, RamRange{ram_base, 4096}))),
              "the guest's memory consists of more than 1024 ranges");
    GuestSample unknown = small_guest();
    unknown.process.reset();
    EXPECT_EQ(tracker->unsupported_reason(unknown), "the guest's process is unknown");
    EXPECT_EQ(error_of_beginning(*tracker, unknown), "the guest's process is unknown");
    EXPECT_EQ(tracker->estimate(unknown).count(), 0);
}

TEST(ProbeDamon, ReturnsATrackerForATreeWithoutKdamonds) {
    const test::TemporaryDirectory sysfs;
    std::string error;
    EXPECT_FALSE(probe_damon(sysfs.path(), std::chrono::seconds(1), error));
    EXPECT_EQ(error, "this kernel has no DAMON (CONFIG_DAMON_SYSFS)");
    sysfs.write("kernel/mm/damon/admin/kdamonds/nr_kdamonds", "0\n");
    const auto tracker = probe_damon(sysfs.path(), std::chrono::seconds(1), error);
    ASSERT_TRUE(tracker);
    EXPECT_STREQ(tracker->name(), "damon");
    EXPECT_FALSE(probe_damon(sysfs.path(), std::chrono::seconds(1), error));
}

TEST(ProbeDamon, RefusesATreeWithKdamondsOfAnotherProgram) {
    const test::TemporaryDirectory sysfs;
    sysfs.write("kernel/mm/damon/admin/kdamonds/nr_kdamonds", "1\n");
    std::string error;
    EXPECT_FALSE(probe_damon(sysfs.path(), std::chrono::seconds(1), error));
    EXPECT_EQ(error, "DAMON is in use: another program has set nr_kdamonds to 1");
}

}  // namespace
}  // namespace vnuma
