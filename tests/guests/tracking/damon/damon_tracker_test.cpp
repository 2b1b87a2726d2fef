#include "guests/tracking/damon/damon_tracker.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guests/memory/chunk_residency.hpp"
#include "guests/process/process.hpp"
#include "tests/guests/tracking/damon/fake_damon.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using std::chrono::milliseconds;
using test::FakeDamon;

constexpr std::uint64_t base = 0x7f0000000000;
constexpr milliseconds duration{2'000};
const std::string mark = std::to_string(kdamond_mark);

std::string mark_file(std::size_t kdamond) {
    return std::to_string(kdamond) + "/contexts/0/monitoring_attrs/intervals/update_us";
}

GuestSample guest_of(const std::vector<RamRange>& ranges, pid_t pid = ::getpid()) {
    GuestSample guest;
    guest.process = std::make_shared<const Process>(*Process::open(pid));
    guest.cells.resize(2);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        RamBlock block;
        block.host = ranges[i];
        guest.cells[i % 2].blocks.push_back(block);
    }
    return guest;
}

GuestSample small_guest(std::uint64_t chunks = 10) {
    return guest_of({{base, chunks * chunk_bytes}, {2 * base, chunk_bytes}});
}

// The tracker owns its files; a test goes on looking at them.
class Borrowed : public DamonFiles {
  public:
    explicit Borrowed(FakeDamon& fake) : fake_(fake) {}
    FileText read(const std::string& file) override { return fake_.read(file); }
    int write(const std::string& file, std::string_view text) override {
        return fake_.write(file, text);
    }
    std::vector<std::string> list(const std::string& directory, std::size_t limit) override {
        return fake_.list(directory, limit);
    }
    void pause(milliseconds time) override { fake_.pause(time); }
    std::optional<std::chrono::nanoseconds> cpu_time(pid_t thread) override {
        return fake_.cpu_time(thread);
    }
    void set_nice(pid_t thread, int nice) override { fake_.set_nice(thread, nice); }

  private:
    FakeDamon& fake_;
};

class DamonTrackerTest : public testing::Test {
  protected:
    std::unique_ptr<DamonTracker> make() {
        return std::make_unique<DamonTracker>(std::make_unique<Borrowed>(fake),
                                              std::chrono::seconds(1));
    }
    std::string refusal() {
        try {
            make();
        } catch (const TrackingError& error) {
            return error.what();
        }
        return "none";
    }
    std::string refusal_to_begin(DamonTracker& tracker, const GuestSample& guest) {
        try {
            tracker.begin(guest, duration);
        } catch (const TrackingError& error) {
            return error.what();
        }
        return "none";
    }
    void mark_kdamond(std::size_t kdamond, const std::string& text) {
        fake.by_another(std::to_string(kdamond) + "/contexts/nr_contexts", "1");
        fake.by_another(mark_file(kdamond), text);
    }
    FakeDamon fake;
};

TEST_F(DamonTrackerTest, ALookTellsTheLevelsOfTheGuestsMemory) {
    const auto tracker = make();
    fake.tell = [](std::vector<DamonRegion> regions) {
        regions[1].accesses = 12;
        regions[2].accesses = 6;
        return regions;
    };
    const auto scan = tracker->begin(small_guest(), duration);
    ASSERT_TRUE(scan);
    EXPECT_TRUE(fake.is_on(0));
    const auto result = scan->finish();
    ASSERT_TRUE(result);
    EXPECT_FALSE(fake.is_on(0));
    ASSERT_EQ(result->accessed.size(), 11U);
    EXPECT_EQ(result->accessed[0].level, 0);
    EXPECT_EQ(result->accessed[1],
              (AccessedRange{base + chunk_bytes, base + 2 * chunk_bytes, max_level}));
    EXPECT_EQ(result->accessed[2].level, max_level / 2);
    EXPECT_EQ(result->cost, milliseconds(5));
    EXPECT_EQ(result->warning, "");
}

TEST_F(DamonTrackerTest, WhatIsMissingInTheAnswerIsSaid) {
    const auto tracker = make();
    fake.tell = [](std::vector<DamonRegion> regions) {
        regions.resize(5);
        return regions;
    };
    const auto result = tracker->begin(small_guest(), duration)->finish();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->accessed.size(), 5U);
    EXPECT_EQ(result->warning, "DAMON told of 10 of 22 MiB");
}

TEST_F(DamonTrackerTest, NoAnswerAtAllIsAFailedLook) {
    const auto tracker = make();
    fake.tell = [](const auto&) { return std::vector<DamonRegion>(); };
    const auto scan = tracker->begin(small_guest(), duration);
    EXPECT_THROW(scan->finish(), TrackingError);
}

TEST_F(DamonTrackerTest, AnAnswerThatWasThereBeforeIsNotTaken) {
    const auto tracker = make();
    ASSERT_TRUE(tracker->begin(small_guest(), duration)->finish());
    const auto scan = tracker->begin(small_guest(), duration);
    fake.tell = [this](std::vector<DamonRegion> regions) {
        fake.end(0);
        return regions;
    };
    EXPECT_THROW(scan->finish(), TrackingError);
}

TEST_F(DamonTrackerTest, NothingIsMadeBeforeTheFirstLookAndAllIsTakenAwayAtTheEnd) {
    auto tracker = make();
    EXPECT_TRUE(fake.written.empty());
    tracker->begin(small_guest(), duration);
    EXPECT_EQ(fake.count(), kdamonds_in_pool);
    tracker.reset();
    EXPECT_EQ(fake.count(), 0U);
}

TEST_F(DamonTrackerTest, KdamondsAreMarkedBeforeAnythingElseTheFirstOneFirst) {
    make()->begin(small_guest(), duration);
    ASSERT_GT(fake.written.size(), 5U);
    EXPECT_EQ(fake.written[0], "nr_kdamonds=8");
    EXPECT_EQ(fake.written[1], "0/contexts/nr_contexts=1");
    EXPECT_EQ(fake.written[2], mark_file(0) + "=" + mark);
    EXPECT_EQ(fake.written[3], "1/contexts/nr_contexts=1");
    EXPECT_EQ(fake.written[4], mark_file(1) + "=" + mark);
}

TEST_F(DamonTrackerTest, WhatAKilledOneHasLeftIsTurnedOffAndTakenAway) {
    fake.by_another("nr_kdamonds", "3");
    mark_kdamond(0, mark);
    mark_kdamond(1, mark);
    fake.by_another("1/state", "on");
    make();
    EXPECT_EQ(fake.count(), 0U);
}

TEST_F(DamonTrackerTest, OthersKdamondsAreNotTouched) {
    fake.by_another("nr_kdamonds", "2");
    mark_kdamond(0, "60000000");
    EXPECT_EQ(refusal(), "DAMON is in use: 2 kdamonds of someone else are there");
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(DamonTrackerTest, KdamondsThatNobodyHasSetUpAreLeftAndHowToRemoveThemIsSaid) {
    fake.by_another("nr_kdamonds", "8");
    EXPECT_NE(refusal().find("writing 0 to nr_kdamonds"), std::string::npos) << refusal();
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(DamonTrackerTest, OthersKdamondsAmongMarkedOnesAreNotTouched) {
    fake.by_another("nr_kdamonds", "2");
    mark_kdamond(0, mark);
    mark_kdamond(1, "60000000");
    EXPECT_NE(refusal(), "none");
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(DamonTrackerTest, UnmarkedKdamondsThatRunAreNotTouched) {
    fake.by_another("nr_kdamonds", "2");
    mark_kdamond(0, mark);
    fake.by_another("1/state", "on");
    EXPECT_NE(refusal(), "none");
    EXPECT_TRUE(fake.written.empty());
}

TEST_F(DamonTrackerTest, APoolThatIsTakenAwayIsLostAndMadeAgainWhenNobodyHasOne) {
    const auto tracker = make();
    tracker->begin(small_guest(), duration);
    fake.by_another("nr_kdamonds", "1");
    fake.written.clear();
    EXPECT_EQ(refusal_to_begin(*tracker, small_guest()),
              "DAMON: someone has taken away the kdamonds of vnumad");
    EXPECT_EQ(refusal_to_begin(*tracker, small_guest()),
              "DAMON is in use: 1 kdamonds of someone else are there");
    EXPECT_TRUE(fake.written.empty());
    fake.by_another("nr_kdamonds", "0");
    EXPECT_TRUE(tracker->begin(small_guest(), duration));
}

TEST_F(DamonTrackerTest, ALookWhosePoolIsTakenAwayFailsAndTouchesNothing) {
    auto tracker = make();
    auto scan = tracker->begin(small_guest(), duration);
    fake.end(0);
    fake.by_another("nr_kdamonds", "1");
    fake.by_another("0/state", "on");
    fake.written.clear();
    EXPECT_THROW(scan->finish(), TrackingError);
    scan.reset();
    tracker.reset();
    EXPECT_TRUE(fake.written.empty());
    EXPECT_TRUE(fake.is_on(0));
}

TEST_F(DamonTrackerTest, ALookOfALostPoolDoesNotEndOneOfTheNewPool) {
    const auto tracker = make();
    auto old = tracker->begin(small_guest(), duration);
    fake.end(0);
    fake.by_another("nr_kdamonds", "0");
    EXPECT_THROW(tracker->begin(small_guest(), duration), TrackingError);
    const auto scan = tracker->begin(small_guest(), duration);
    ASSERT_TRUE(scan);
    old.reset();
    EXPECT_TRUE(scan->finish());
}

TEST_F(DamonTrackerTest, MoreLooksThanKdamondsHaveToWait) {
    const auto tracker = make();
    std::vector<std::unique_ptr<PendingScan>> looks;
    for (std::size_t i = 0; i < kdamonds_in_pool; ++i)
        looks.push_back(tracker->begin(small_guest(), duration));
    EXPECT_TRUE(looks.back());
    EXPECT_FALSE(tracker->begin(small_guest(), duration));
    looks[3].reset();
    EXPECT_FALSE(fake.is_on(3));
    EXPECT_TRUE(tracker->begin(small_guest(), duration));
}

TEST_F(DamonTrackerTest, AGuestGetsTheKdamondThatHasItsRegions) {
    const auto tracker = make();
    auto first = tracker->begin(small_guest(100), duration);
    auto second = tracker->begin(small_guest(200), duration);
    first.reset();
    second.reset();
    fake.written.clear();
    const auto scan = tracker->begin(small_guest(200), duration);
    EXPECT_TRUE(fake.is_on(1));
    EXPECT_LT(fake.written.size(), 10U);
}

TEST_F(DamonTrackerTest, AKernelWithoutIntervalsOfSchemesIsAskedForShortCounts) {
    fake.has_apply_interval = false;
    const auto tracker = make();
    EXPECT_TRUE(tracker->begin(small_guest(), milliseconds(1'300))->finish());
    EXPECT_EQ(fake.files["0/contexts/0/monitoring_attrs/intervals/aggr_us"], "300000");
}

TEST_F(DamonTrackerTest, AFailureToBeginGivesTheKdamondBack) {
    const auto tracker = make();
    fake.always_busy = true;
    for (std::size_t i = 0; i < 2 * kdamonds_in_pool; ++i)
        EXPECT_NE(refusal_to_begin(*tracker, small_guest()).find("DAMON_RECLAIM"),
                  std::string::npos);
    fake.always_busy = false;
    EXPECT_TRUE(tracker->begin(small_guest(), duration)->finish());
}

TEST_F(DamonTrackerTest, AGuestThatHasEndedIsNotLookedAt) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const GuestSample guest = guest_of({{base, chunk_bytes}}, child);
    const auto tracker = make();
    const auto scan = tracker->begin(guest, duration);
    EXPECT_TRUE(scan);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    fake.end(0);
    fake.written.clear();
    EXPECT_THROW(scan->finish(), TrackingError);
    EXPECT_EQ(refusal_to_begin(*tracker, guest), "the guest has ended");
    for (const std::string& write : fake.written)
        EXPECT_FALSE(write.ends_with("state=on")) << "its number may be another's now";
}

TEST_F(DamonTrackerTest, ALargeGuestsNextLookBeginsWithWhatWasLearnt) {
    const auto tracker = make();
    const GuestSample guest = guest_of({{base, 4'000 * chunk_bytes}});
    const std::uint64_t border = base + 1'000 * chunk_bytes;
    fake.tell = [&](const auto&) {
        return std::vector<DamonRegion>{{base, border, 0},
                                        {border, border + 2 * chunk_bytes, 4},
                                        {border + 2 * chunk_bytes, base + 4'000 * chunk_bytes, 0}};
    };
    tracker->begin(guest, duration)->finish();
    EXPECT_EQ(fake.files["0/contexts/0/targets/0/regions/nr_regions"], "1000");
    const auto scan = tracker->begin(guest, duration);
    EXPECT_EQ(fake.files["0/contexts/0/targets/0/regions/nr_regions"], "4");
    EXPECT_EQ(fake.files["0/contexts/0/targets/0/regions/1/start"], std::to_string(border));
    const auto other = tracker->begin(guest_of({{base, 4'001 * chunk_bytes}}), duration);
    EXPECT_NE(fake.files["1/contexts/0/targets/0/regions/nr_regions"], "4") << "other memory";
}

TEST_F(DamonTrackerTest, TheEstimateFollowsWhatLooksHaveTaken) {
    const auto tracker = make();
    const GuestSample guest = small_guest();
    const auto guess = tracker->estimate(guest);
    EXPECT_GT(guess.count(), 0);
    EXPECT_GT(tracker->estimate(small_guest(500)), guess);
    fake.cpu = std::chrono::seconds(1);
    for (int i = 0; i < 30; ++i)
        tracker->begin(guest, duration)->finish();
    EXPECT_GT(tracker->estimate(guest), milliseconds(900));
    EXPECT_LT(tracker->estimate(guest), milliseconds(1'300));
}

TEST_F(DamonTrackerTest, WhyAGuestCannotBeLookedAt) {
    const auto tracker = make();
    EXPECT_EQ(tracker->unsupported_reason(small_guest()), "");
    EXPECT_EQ(tracker->unsupported_reason(guest_of({})), "it is not known where its memory is");
    EXPECT_EQ(tracker->unsupported_reason(guest_of(std::vector<RamRange>(1'025, RamRange{base, 4096}))),
              "its memory is in too many pieces");
    GuestSample unknown = small_guest();
    unknown.process.reset();
    EXPECT_EQ(tracker->unsupported_reason(unknown), "its process is not known");
    EXPECT_EQ(refusal_to_begin(*tracker, unknown), "its process is not known");
    EXPECT_EQ(tracker->estimate(unknown).count(), 0);
}

TEST(ProbeDamon, TakesOverARealTree) {
    const test::TemporaryDirectory sysfs;
    std::string why_not;
    EXPECT_FALSE(probe_damon(sysfs.path(), std::chrono::seconds(1), why_not));
    EXPECT_EQ(why_not, "this kernel has no DAMON (CONFIG_DAMON_SYSFS)");
    sysfs.write("kernel/mm/damon/admin/kdamonds/nr_kdamonds", "0\n");
    const auto tracker = probe_damon(sysfs.path(), std::chrono::seconds(1), why_not);
    ASSERT_TRUE(tracker);
    EXPECT_STREQ(tracker->name(), "damon");
    EXPECT_FALSE(probe_damon(sysfs.path(), std::chrono::seconds(1), why_not));
}

TEST(ProbeDamon, RefusesATreeThatIsSomeoneElses) {
    const test::TemporaryDirectory sysfs;
    sysfs.write("kernel/mm/damon/admin/kdamonds/nr_kdamonds", "1\n");
    std::string why_not;
    EXPECT_FALSE(probe_damon(sysfs.path(), std::chrono::seconds(1), why_not));
    EXPECT_EQ(why_not, "DAMON is in use: 1 kdamonds of someone else are there");
}

}  // namespace
}  // namespace vnuma
