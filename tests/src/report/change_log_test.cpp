#include "src/report/change_log.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using Pace = LatencyGuard::Pace;
using Lines = std::vector<std::string>;

class ChangeLogTest : public ::testing::Test {
  protected:
    ChangeLogTest() {
        tick.look = std::make_shared<const Look>();
        tick.snapshot.guests.push_back({"u", "web", "", {}, {}});
        log.update(tick);
    }
    Lines update(Pace pace, int pauses, bool moves = true) {
        tick.moves["u"] = {0, pace, 1, pauses, "FELT"};
        tick.results.clear();
        if (moves) tick.results.push_back({MoveMemory{{"u", 0}, NodeIndex(1)}, 0, ""});
        return log.update(tick);
    }

    Tick tick;
    ChangeLog log;
    const Lines told{"web: FELT"}, nothing;
};

TEST_F(ChangeLogTest, TellsEachStageOfAFeltMoveOnce) {
    EXPECT_EQ(update(Pace::full, 0), nothing);
    EXPECT_EQ(update(Pace::slower, 0), told);
    EXPECT_EQ(update(Pace::full, 0), nothing);
    EXPECT_EQ(update(Pace::slower, 0), nothing) << "to and fro";
    EXPECT_EQ(update(Pace::paused, 1), told);
    EXPECT_EQ(update(Pace::slower, 1), nothing);
    EXPECT_EQ(update(Pace::paused, 1), nothing);
    EXPECT_EQ(update(Pace::paused, 2), told);
    EXPECT_EQ(update(Pace::stays, 3), told);
    EXPECT_EQ(update(Pace::stays, 3), nothing);
}

TEST_F(ChangeLogTest, TellsAFeltMoveAgainInTheNextMove) {
    EXPECT_EQ(update(Pace::slower, 0), told);
    EXPECT_EQ(update(Pace::slower, 0, false), nothing);
    EXPECT_EQ(update(Pace::slower, 0), told);
}

}  // namespace
}  // namespace vnuma
