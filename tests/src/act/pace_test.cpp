#include "src/act/pace.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

constexpr BatchLimits limits{1, 16};

TEST(NextBatch, HalvesAfterACallThatTookTooLong) {
    EXPECT_EQ(next_batch(8, 78ms, 10ms, limits), 4);
    EXPECT_EQ(next_batch(8, 12ms, 10ms, limits), 6);
}

TEST(NextBatch, GrowsByHalfAtMostAndTowardsTheAim) {
    EXPECT_EQ(next_batch(8, 1ms, 10ms, limits), 13);
    EXPECT_EQ(next_batch(8, 8ms, 10ms, limits), 10);
}

TEST(NextBatch, StaysWithinItsLimits) {
    for (int batch = 1; batch <= 16; ++batch)
        for (auto took : {0ns, 1ns, 1000000ns, 10000000ns, 10000000000ns}) {
            const int next = next_batch(batch, took, 10ms, limits);
            EXPECT_GE(next, limits.least);
            EXPECT_LE(next, limits.most);
        }
}

TEST(RestAfter, KeepsTheAverageAtTheRate) {
    EXPECT_EQ(rest_after(2 * mib, 4ms, 200 * mib), 6ms);
}

TEST(RestAfter, SlowCallsTakeTwoThirdsOfTheTimeAtMost) {
    EXPECT_EQ(rest_after(2 * mib, 40ms, 200 * mib), 20ms);
    EXPECT_EQ(rest_after(0, 2ms, 200 * mib), 1ms);
    EXPECT_EQ(rest_after(0, 0ms, 200 * mib), 0ms);
}

}  // namespace
}  // namespace vnuma
