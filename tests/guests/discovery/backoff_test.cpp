#include "guests/discovery/backoff.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, AnAttemptIsDueAtOnceBeforeTheFirstFailure) {
    EXPECT_TRUE(Backoff(1s, 4s).is_due(Backoff::Time::min()));
}

TEST(Backoff, PausesDoubleUpToTheLongest) {
    Backoff backoff(1s, 5s);
    Backoff::Time now{};
    for (const auto pause : {1s, 2s, 4s, 5s, 5s}) {
        backoff.fail(now);
        EXPECT_FALSE(backoff.is_due(now + pause - 1ms));
        now += pause;
        EXPECT_TRUE(backoff.is_due(now));
    }
}

TEST(Backoff, ASuccessEndsThePauseAndMakesTheNextOneShort) {
    Backoff backoff(1s, 5s);
    for (int i = 0; i < 3; ++i)
        backoff.fail(Backoff::Time{});
    backoff.succeed();
    EXPECT_TRUE(backoff.is_due(Backoff::Time{}));
    EXPECT_EQ(backoff.fail(), 1s);
}

}  // namespace
}  // namespace vnuma
