#include "src/act/failing_ranges.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t range = 2 << 20;

class FailingRangesTest : public ::testing::Test {
  protected:
    void fail_all(std::uint64_t address) { failing.add(address, true, now); }

    FailingRanges failing{range};
    FailingRanges::Time now{1000s};
};

TEST_F(FailingRangesTest, AHugePageThatStayedIsLeftAloneForAWhileAndItsNeighboursAreNot) {
    fail_all(5 * range + 4096);
    EXPECT_TRUE(failing.waits(5 * range, now));
    EXPECT_TRUE(failing.waits(6 * range - 1, now + FailingRanges::first_wait - 1ns));
    EXPECT_FALSE(failing.waits(5 * range, now + FailingRanges::first_wait));
    EXPECT_FALSE(failing.waits(4 * range, now));
    EXPECT_FALSE(failing.waits(6 * range, now));
    EXPECT_EQ(failing.end_of_range(5 * range), 6 * range);
    EXPECT_TRUE(failing.in_one_range(5 * range, 6 * range - 1));
    EXPECT_FALSE(failing.in_one_range(5 * range, 6 * range));
}

TEST_F(FailingRangesTest, EachFurtherFailureDoublesTheWaitUpToItsLimit) {
    for (auto wait = FailingRanges::first_wait; wait < 2 * FailingRanges::longest_wait; wait *= 2) {
        fail_all(0);
        const auto expected = std::min(wait, FailingRanges::longest_wait);
        EXPECT_TRUE(failing.waits(0, now + expected - 1ns));
        EXPECT_FALSE(failing.waits(0, now + expected));
        now += expected;
    }
    for (int i = 0; i < 100; ++i, now += FailingRanges::longest_wait)
        fail_all(0);
    EXPECT_FALSE(failing.waits(0, now));
}

TEST_F(FailingRangesTest, AFewBusyPagesAreNoFailureAndManyAreOne) {
    for (std::uint64_t page = 0; page < FailingRanges::most_busy_pages; ++page)
        failing.add(page * 4096, false, now);
    EXPECT_FALSE(failing.waits(0, now));
    EXPECT_FALSE(failing.has_failed(0));
    for (std::uint64_t page = 100; page < 200; ++page)  // all in one call
        failing.add(page * 4096, false, now);
    EXPECT_TRUE(failing.has_failed(0));
    EXPECT_TRUE(failing.waits(0, now));
    EXPECT_FALSE(failing.waits(0, now + FailingRanges::first_wait)) << "it was one failure";
}

TEST_F(FailingRangesTest, AHugePageThatMovedHasNotFailedAnyMore) {
    fail_all(0);
    failing.forget(4096);
    EXPECT_FALSE(failing.waits(0, now));
    EXPECT_FALSE(failing.has_failed(0));
}

TEST_F(FailingRangesTest, TellsHowMuchWaitsAndUntilWhen) {
    EXPECT_EQ(failing.waiting(now).bytes, 0);
    fail_all(0);
    now += 1s;
    fail_all(range);
    EXPECT_EQ(failing.waiting(now).bytes, static_cast<Bytes>(2 * range));
    EXPECT_EQ(failing.waiting(now).until, now - 1s + FailingRanges::first_wait);
    EXPECT_EQ(failing.waiting(now + 1s).bytes, static_cast<Bytes>(range));
}

TEST_F(FailingRangesTest, RemembersABoundedNumber) {
    for (std::uint64_t i = 0; i < FailingRanges::max_ranges + 10; ++i)
        fail_all(i * range);
    EXPECT_EQ(failing.size(), FailingRanges::max_ranges);
    EXPECT_FALSE(failing.waits(FailingRanges::max_ranges * range, now)) << "it is tried each time";
}

}  // namespace
}  // namespace vnuma
