#include "src/act/pressure_gate.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using namespace std::chrono_literals;

class PressureGateTest : public ::testing::Test {
  protected:
    std::string update(std::optional<PerMille> waiting, std::optional<std::uint64_t> swapped_out) {
        gate.update({waiting, swapped_out}, now);
        return gate.why_closed(now);
    }

    PressureGate gate;
    PressureGate::Time now{1000s};
};

TEST_F(PressureGateTest, IsOpenWhereTheKernelTellsNothing) {
    EXPECT_EQ(gate.why_closed(now), "");
    EXPECT_EQ(update(std::nullopt, std::nullopt), "");
}

TEST_F(PressureGateTest, IsClosedAboveItsLimitAndTheReasonHasTheFigure) {
    EXPECT_EQ(update(PressureGate::most_waiting, 0), "");
    EXPECT_EQ(update(PressureGate::most_waiting + 20, 0),
              "the host is short of memory: in 12 % of the last 10 s some task waited for it, and "
              "memory moves with up to 10 %");
    EXPECT_EQ(update(0, 0), "");
}

TEST_F(PressureGateTest, IsClosedUntilNothingWasSwappedOutForAWhile) {
    EXPECT_EQ(update(0, 5000), "") << "long ago, perhaps";
    now += 1s;
    EXPECT_EQ(update(0, 5001), "the host swaps; memory moves again when it has not for 10 s");
    now += PressureGate::calm_time - 1ns;
    EXPECT_NE(update(0, 5001), "");
    now += 1ns;
    EXPECT_EQ(update(0, 5001), "");
    EXPECT_EQ(update(0, 7), "") << "the counter is another one";
    EXPECT_NE(update(0, 8), "");
    now += PressureGate::calm_time;
    EXPECT_EQ(update(0, 9), "") << "that may have been long ago";
}

TEST_F(PressureGateTest, IsReadNowAndThen) {
    EXPECT_TRUE(gate.is_due(now));
    gate.update({}, now);
    EXPECT_FALSE(gate.is_due(now + PressureGate::reading_interval - 1ns));
    EXPECT_TRUE(gate.is_due(now + PressureGate::reading_interval));
}

}  // namespace
}  // namespace vnuma
