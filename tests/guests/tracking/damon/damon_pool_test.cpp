// Which kdamonds vnumad creates, uses and removes, seen through the tracker.
#include "guests/tracking/damon/damon_pool.hpp"

#include "tests/guests/tracking/damon/damon_tracker_fixture.hpp"

namespace vnuma {
namespace {

using namespace test;

const std::string mark = std::to_string(kdamond_mark);

class KdamondPoolTest : public DamonTrackerTest {};

TEST_F(KdamondPoolTest, KdamondsAreCreatedByTheFirstScanAndRemovedAtTheEnd) {
    auto tracker = make();
    EXPECT_TRUE(fake.written.empty());
    tracker->begin(small_guest(), scan_duration);
    EXPECT_EQ(fake.count(), kdamonds_in_pool);
    tracker.reset();
    EXPECT_EQ(fake.count(), 0U);
}

TEST_F(KdamondPoolTest, KdamondsAreMarkedBeforeAnythingElseTheFirstOneFirst) {
    make()->begin(small_guest(), scan_duration);
    ASSERT_GT(fake.written.size(), 5U);
    EXPECT_EQ(fake.written[0], "nr_kdamonds=8");
    EXPECT_EQ(fake.written[1], "0/contexts/nr_contexts=1");
    EXPECT_EQ(fake.written[2], mark_file(0) + "=" + mark);
    EXPECT_EQ(fake.written[3], "1/contexts/nr_contexts=1");
    EXPECT_EQ(fake.written[4], mark_file(1) + "=" + mark);
}

TEST_F(KdamondPoolTest, KdamondsThatAKilledVnumadHasLeftAreTurnedOffAndRemoved) {
    fake.write_as_other_program("nr_kdamonds", "3");
    mark_kdamond(0, mark);
    mark_kdamond(1, mark);
    fake.write_as_other_program("1/state", "on");
    make();
    EXPECT_EQ(fake.count(), 0U);
}

TEST_F(KdamondPoolTest, KdamondsOfAnotherProgramAreLeftAlone) {
    fake.write_as_other_program("nr_kdamonds", "2");
    mark_kdamond(0, "60000000");
    EXPECT_EQ(error_of_making(), "DAMON is in use: another program has set nr_kdamonds to 2");
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(KdamondPoolTest, KdamondsThatNoProgramHasConfiguredAreLeftToTheOperator) {
    fake.write_as_other_program("nr_kdamonds", "8");
    EXPECT_NE(error_of_making().find("write 0 to /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds"),
              std::string::npos)
        << error_of_making();
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(KdamondPoolTest, KdamondsOfAnotherProgramAmongMarkedOnesAreLeftAlone) {
    fake.write_as_other_program("nr_kdamonds", "2");
    mark_kdamond(0, mark);
    mark_kdamond(1, "60000000");
    EXPECT_NE(error_of_making(), "none");
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(KdamondPoolTest, UnmarkedKdamondsThatRunAreLeftAlone) {
    fake.write_as_other_program("nr_kdamonds", "2");
    mark_kdamond(0, mark);
    fake.write_as_other_program("1/state", "on");
    EXPECT_NE(error_of_making(), "none");
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(KdamondPoolTest, ARemovedPoolIsCreatedAgainOnceNoOtherProgramHasKdamonds) {
    const auto tracker = make();
    tracker->begin(small_guest(), scan_duration);
    fake.write_as_other_program("nr_kdamonds", "1");
    fake.written.clear();
    EXPECT_EQ(error_of_beginning(*tracker, small_guest()),
              "DAMON: another program has removed the kdamonds of vnumad");
    EXPECT_EQ(error_of_beginning(*tracker, small_guest()),
              "DAMON is in use: another program has set nr_kdamonds to 1");
    EXPECT_TRUE(fake.written.empty());
    fake.write_as_other_program("nr_kdamonds", "0");
    EXPECT_TRUE(tracker->begin(small_guest(), scan_duration));
}

TEST_F(KdamondPoolTest, AScanWhosePoolIsRemovedFailsAndWritesNothing) {
    auto tracker = make();
    auto scan = tracker->begin(small_guest(), scan_duration);
    fake.end(0);
    fake.write_as_other_program("nr_kdamonds", "1");
    fake.write_as_other_program("0/state", "on");
    fake.written.clear();
    EXPECT_THROW(scan->finish(), TrackingError);
    scan.reset();
    tracker.reset();
    EXPECT_TRUE(fake.written.empty());
    EXPECT_TRUE(fake.is_on(0));
}

TEST_F(KdamondPoolTest, AScanOfARemovedPoolDoesNotEndAScanOfTheNewPool) {
    const auto tracker = make();
    auto old = tracker->begin(small_guest(), scan_duration);
    fake.end(0);
    fake.write_as_other_program("nr_kdamonds", "0");
    EXPECT_THROW(tracker->begin(small_guest(), scan_duration), TrackingError);
    const auto scan = tracker->begin(small_guest(), scan_duration);
    ASSERT_TRUE(scan);
    old.reset();
    EXPECT_TRUE(scan->finish());
}

TEST_F(KdamondPoolTest, NoMoreScansRunThanThereAreKdamonds) {
    const auto tracker = make();
    std::vector<std::unique_ptr<PendingScan>> scans;
    for (std::size_t i = 0; i < kdamonds_in_pool; ++i)
        scans.push_back(tracker->begin(small_guest(), scan_duration));
    EXPECT_TRUE(scans.back());
    EXPECT_FALSE(tracker->begin(small_guest(), scan_duration));
    scans[3].reset();
    EXPECT_FALSE(fake.is_on(3));
    EXPECT_TRUE(tracker->begin(small_guest(), scan_duration));
}

TEST_F(KdamondPoolTest, AGuestGetsTheKdamondThatIsConfiguredWithItsRegions) {
    const auto tracker = make();
    auto first = tracker->begin(small_guest(100), scan_duration);
    auto second = tracker->begin(small_guest(200), scan_duration);
    first.reset();
    second.reset();
    fake.written.clear();
    const auto scan = tracker->begin(small_guest(200), scan_duration);
    EXPECT_TRUE(fake.is_on(1));
    EXPECT_LT(fake.written.size(), 10U);
}

TEST_F(KdamondPoolTest, AScanThatFailsToBeginReleasesItsKdamond) {
    const auto tracker = make();
    fake.always_busy = true;
    for (std::size_t i = 0; i < 2 * kdamonds_in_pool; ++i)
        EXPECT_NE(error_of_beginning(*tracker, small_guest()).find("DAMON_RECLAIM"),
                  std::string::npos);
    fake.always_busy = false;
    EXPECT_TRUE(tracker->begin(small_guest(), scan_duration)->finish());
}

}  // namespace
}  // namespace vnuma
