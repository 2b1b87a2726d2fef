// The state machine by itself. Rounds of whole guests are in tests/guests/tracking/rounds_*.
#include "guests/tracking/attribution/fault_rounds.hpp"

#include <gtest/gtest.h>

#include <string>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

constexpr PageCount counted{.pages = 1'000, .took = 1ms, .cost = 1ms};
constexpr std::chrono::nanoseconds fault_time = 1us;

class FaultRoundsTest : public testing::Test {
  protected:
    FaultRoundsTest() {
        earn(10s);
        rounds.set_wanted(true, "");
    }

    // The guest uses one CPU for this time.
    void earn(std::chrono::seconds time) {
        budget.earn(now, run_time, 1);
        now += time;
        run_time += time;
        budget.earn(now, run_time, 1);
    }

    bool is_ready(const PageCount& count = counted) {
        return rounds.take_turn(budget, now) && rounds.decide(count, fault_time, budget, now);
    }
    bool begin() { return is_ready() && rounds.start({"", 100us, 0ns}, budget); }
    void end() { rounds.end({.chunks = 0}, false); }
    std::string trouble() {
        rounds.set_wanted(true, "");
        return rounds.report().trouble;
    }

    TrackingSettings settings;  // a round lasts 2 s, and the shortest period is 2 s
    TrackingBudget budget{10};
    std::chrono::steady_clock::time_point now{1000s};
    std::chrono::nanoseconds run_time = 10s;
    FaultRounds rounds{settings};
};

TEST_F(FaultRoundsTest, AreDueWhileTheyAreWantedAndNothingPreventsThem) {
    EXPECT_TRUE(rounds.due(now));
    rounds.set_wanted(true, "the guest is migrating");
    EXPECT_FALSE(rounds.due(now));
    EXPECT_EQ(rounds.report().trouble, "the guest is migrating");
    rounds.set_wanted(false, "");
    EXPECT_FALSE(rounds.due(now));
    EXPECT_EQ(rounds.report().trouble, "");
}

TEST_F(FaultRoundsTest, RunFromTheStartToTheEnd) {
    ASSERT_TRUE(is_ready());
    EXPECT_FALSE(rounds.running());
    ASSERT_TRUE(rounds.start({"", 100us, 0ns}, budget));
    EXPECT_TRUE(rounds.running());
    EXPECT_FALSE(rounds.due(now + 1h)) << "one runs";
    EXPECT_FALSE(rounds.over(now + 1s));
    EXPECT_TRUE(rounds.over(now + 2s));
    end();
    EXPECT_FALSE(rounds.running());
    EXPECT_FALSE(rounds.over(now + 2s));
    EXPECT_TRUE(rounds.due(now + 1s)) << "the second follows at once";
    EXPECT_EQ(rounds.report().rounds, 1U);
}

TEST_F(FaultRoundsTest, ACountThatTakesLongIsAskedForInEveryTick) {
    ASSERT_TRUE(rounds.take_turn(budget, now));
    rounds.await_count();
    EXPECT_EQ(rounds.report().waits_for, "the guest's mapped pages are being counted");
    EXPECT_TRUE(rounds.due(now + 1ms));
    EXPECT_TRUE(is_ready());
    EXPECT_EQ(rounds.report().waits_for, "");
}

TEST_F(FaultRoundsTest, ACountIsForgottenWhenRoundsAreNotWantedAnyMore) {
    ASSERT_TRUE(rounds.take_turn(budget, now));
    rounds.await_count();
    rounds.set_wanted(false, "");
    rounds.set_wanted(true, "");
    EXPECT_FALSE(rounds.due(now + 1ms));
    EXPECT_TRUE(rounds.due(now + 2s));
}

TEST_F(FaultRoundsTest, ACountGoesOnWhileSomethingPreventsRounds) {
    ASSERT_TRUE(rounds.take_turn(budget, now));
    rounds.await_count();
    rounds.set_wanted(true, "the guest is migrating");
    EXPECT_FALSE(rounds.due(now + 1ms));
    rounds.set_wanted(true, "");
    EXPECT_TRUE(rounds.due(now + 1ms));
}

TEST_F(FaultRoundsTest, ARoundThatRunsGoesOnWhenItIsNotWantedAnyMore) {
    ASSERT_TRUE(begin());
    rounds.set_wanted(false, "");
    EXPECT_TRUE(rounds.running());
    EXPECT_TRUE(rounds.over(now + 2s));
    end();
    EXPECT_FALSE(rounds.due(now + 1h));
}

TEST_F(FaultRoundsTest, AreNotConsideredForAGuestInDebt) {
    budget.charge(1h);
    EXPECT_FALSE(rounds.take_turn(budget, now));
    EXPECT_NE(rounds.report().waits_for, "");
    EXPECT_TRUE(rounds.due(now)) << "it has not had its turn";
}

TEST_F(FaultRoundsTest, PagesAreNotCountedWhereTheLastCountCostMoreThanTheGuestEarns) {
    const PageCount expensive{.pages = std::nullopt, .took = 1min, .cost = 0ms};
    ASSERT_FALSE(is_ready(expensive));
    now += 3h;
    EXPECT_TRUE(rounds.due(now));
    EXPECT_FALSE(rounds.take_turn(budget, now));
    EXPECT_NE(rounds.report().waits_for, "");
    EXPECT_FALSE(rounds.due(now)) << "it has had its turn";
}

TEST_F(FaultRoundsTest, ARefusedRoundIsConsideredAgainAfterAHundredTimesItsPageCount) {
    const PageCount unknown{.pages = std::nullopt, .took = 100ms, .cost = 100ms};
    EXPECT_FALSE(is_ready(unknown));
    EXPECT_NE(trouble(), "");
    EXPECT_EQ(budget.spent(), 100ms);
    EXPECT_FALSE(rounds.due(now + 9s));
    EXPECT_TRUE(rounds.due(now + 10s));
}

TEST_F(FaultRoundsTest, ARefusedRoundIsConsideredAgainAfterAnHourWhereThePageCountStalls) {
    const PageCount unknown{.pages = std::nullopt, .took = 301ms, .cost = 0ms};
    EXPECT_FALSE(is_ready(unknown));
    EXPECT_FALSE(rounds.due(now + 59min));
    EXPECT_TRUE(rounds.due(now + 1h));
}

TEST_F(FaultRoundsTest, MappingsThatCannotBeTakenDownAreTriedAgainAfterALongerPeriod) {
    ASSERT_TRUE(is_ready());
    EXPECT_FALSE(rounds.start({"not permitted", 1us, 0ns}, budget));
    EXPECT_FALSE(rounds.running());
    EXPECT_EQ(trouble(), "not permitted");
    EXPECT_FALSE(rounds.due(now + 2s));
    EXPECT_TRUE(rounds.due(now + 4s));
}

TEST_F(FaultRoundsTest, AFailedAttemptLeavesTheStallOfTheLastRound) {
    ASSERT_TRUE(is_ready());
    ASSERT_TRUE(rounds.start({"", 200ms, 0ns}, budget));
    end();
    earn(10min);
    ASSERT_TRUE(is_ready());
    ASSERT_FALSE(rounds.start({"not permitted", 1us, 0ns}, budget));
    EXPECT_EQ(rounds.report().stall, 200ms);
    earn(10min);
    EXPECT_FALSE(is_ready({.pages = 2'000, .took = 1ms, .cost = 1ms}));
    EXPECT_EQ(trouble(),
              "a round would stall the guest for 400 ms, longer than "
              "tracking.longest_stall (300 ms)");
}

TEST_F(FaultRoundsTest, AnAttemptThatIsPutOffIsTriedAgainAfterALongerPeriod) {
    rounds.put_off("too many guests", now);
    EXPECT_EQ(trouble(), "too many guests");
    EXPECT_FALSE(rounds.due(now + 2s));
    EXPECT_TRUE(rounds.due(now + 4s));
}

TEST_F(FaultRoundsTest, DroppedFaultsAreATroubleUntilARoundWithoutAny) {
    ASSERT_TRUE(begin());
    rounds.charge({.dropped = 1}, fault_time, budget);
    end();
    EXPECT_NE(trouble(), "") << "in the round that has ended";
    ASSERT_TRUE(begin());
    EXPECT_NE(trouble(), "") << "this round is not over";
    end();
    EXPECT_EQ(trouble(), "");
    rounds.charge({.dropped = 1}, fault_time, budget);
    EXPECT_NE(trouble(), "") << "after the round";
}

TEST_F(FaultRoundsTest, LateRefaultsCountForTheNextEstimateUntilTheySettle) {
    ASSERT_TRUE(begin());
    rounds.charge({.reads = 300}, fault_time, budget);
    end();
    rounds.charge({.reads = 200}, fault_time, budget);
    rounds.settle();
    rounds.charge({.reads = 400}, fault_time, budget);
    ASSERT_TRUE(begin());
    EXPECT_EQ(rounds.report().estimate, 500us + 62us + 100us)
        << "500 faults, a sixteenth of 1,000 pages, and the stall of one CPU";
}

TEST_F(FaultRoundsTest, ForgottenRoundsAreFollowedByTwoAtOnce) {
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(begin());
        end();
    }
    EXPECT_TRUE(rounds.has_two_rounds());
    EXPECT_FALSE(rounds.due(now + 1s));
    rounds.forget_rounds();
    EXPECT_FALSE(rounds.has_two_rounds());
    ASSERT_TRUE(begin());
    end();
    EXPECT_TRUE(rounds.due(now + 1s));
}

TEST_F(FaultRoundsTest, AGuestWasHeldUpForTheLengthOfItsLastRound) {
    EXPECT_FALSE(rounds.has_run_since(now));
    ASSERT_TRUE(begin());
    EXPECT_TRUE(rounds.has_run_since(now + 1s));
    EXPECT_FALSE(rounds.has_run_since(now + 2s));
}

}  // namespace
}  // namespace vnuma
