#include "guests/tracking/attribution/round_account.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

RoundAccount account_of(std::uint64_t pages, std::uint64_t expected) {
    return RoundAccount({.pages = pages, .expected = expected, .stalled_vcpus = 5ms, .cost = 7ms});
}

TEST(RoundAccount, ChargesAsManyFaultsAsItTookDownPages) {
    RoundAccount account = account_of(100, 100);
    EXPECT_EQ(account.add({.reads = 30, .writes = 20, .dropped = 10}, 1us), 60us);
    EXPECT_EQ(account.add({.reads = 1'000}, 1us), 40us);
    EXPECT_EQ(account.add({.reads = 1'000}, 1us), 0us);
    EXPECT_EQ(account.cost(), 7ms + 100us);
}

TEST(RoundAccount, ChargesFaultsThatComeAfterItIsClosed) {
    RoundAccount account = account_of(100, 100);
    account.close();
    EXPECT_EQ(account.add({.reads = 30}, 1us), 30us);
}

TEST(RoundAccount, CountsNoFaultsAfterItIsClosedButThoseThatAreDropped) {
    RoundAccount account = account_of(100, 100);
    account.add({.reads = 3, .writes = 2, .dropped = 1}, 1us);
    account.close();
    account.add({.reads = 3, .writes = 2, .dropped = 1}, 1us);
    EXPECT_EQ(account.faults(), 6U);
    EXPECT_EQ(account.refaulted_pages(), 3U);
    EXPECT_EQ(account.dropped(), 2U);
}

TEST(RoundAccount, APageThatIsReadAndWrittenIsOnePage) {
    RoundAccount account = account_of(100, 32);
    account.add({.reads = 29, .writes = 29}, 1us);
    EXPECT_EQ(account.refaulted_pages(), 29U);
    EXPECT_FALSE(account.nearly_all_refaulted());
    account.add({.reads = 1}, 1us);
    EXPECT_TRUE(account.nearly_all_refaulted()) << "all of 32 but a sixteenth";
}

TEST(RoundAccount, WithoutExpectedPagesIsNeverNearlyComplete) {
    EXPECT_FALSE(account_of(100, 0).nearly_all_refaulted());
}

TEST(RoundAccount, ReportsTheStallOnce) {
    RoundAccount account = account_of(100, 100);
    EXPECT_EQ(account.take_unreported_stall(), 5ms);
    EXPECT_EQ(account.take_unreported_stall(), 0ms);
}

TEST(RoundAccount, BeforeTheFirstRoundFaultsCostNothing) {
    RoundAccount account;
    EXPECT_EQ(account.add({.reads = 30, .dropped = 2}, 1us), 0us);
    EXPECT_EQ(account.faults(), 0U);
    EXPECT_EQ(account.dropped(), 2U);
}

}  // namespace
}  // namespace vnuma
