#include "src/report/change_log.hpp"

#include <gtest/gtest.h>

namespace vnuma {
namespace {

using Lines = std::vector<std::string>;

Tick beside(const RivalReading& reading) {
    Tick tick;
    tick.look = std::make_shared<Look>();
    tick.rivals = find_rivals(reading, {});
    return tick;
}

TEST(ChangeLog, ARivalHasOneLineWhenItComesAndOneWhenItGoes) {
    ChangeLog log;
    RivalReading numad;
    numad.daemons = {{"numad", 812}};
    EXPECT_EQ(log.update(beside({})), Lines{});
    EXPECT_EQ(log.update(beside(numad)), Lines{"coexist.numad = \"refuse\": numad runs as process "
                                               "812; vnumad acts on no guest"});
    EXPECT_EQ(log.update(beside(numad)), Lines{});
    EXPECT_EQ(log.update(Tick{}), Lines{}) << "a blind tick knows of none";
    EXPECT_EQ(log.update(beside(numad)), Lines{});
    EXPECT_EQ(log.update(beside({})), Lines{"coexist.numad: it is gone"});
}

TEST(ChangeLog, ARivalThatChangesIsToldAgain) {
    ChangeLog log;
    RivalReading kernel;
    kernel.numa_balancing = 1;
    EXPECT_EQ(log.update(beside(kernel)).size(), 1U);
    kernel.numa_balancing = 2;
    EXPECT_EQ(log.update(beside(kernel)),
              Lines{"coexist.numa_balancing = \"share\": the kernel's NUMA balancing is on "
                    "(kernel.numa_balancing = 2); vnumad goes on as without it"});
}

TEST(ChangeLog, ASectionThatIsNoGuestsIsToldOnceAChange) {
    ChangeLog log;
    const auto without_guests = [](const std::vector<std::string>& sections) {
        Tick tick = beside({});
        tick.unmatched_sections = sections;
        return tick;
    };
    EXPECT_EQ(log.update(without_guests({"guest.wbe", "cgroup./pods/*"})),
              (Lines{"section cgroup./pods/* is that of no running guest",
                     "section guest.wbe is that of no running guest"}));
    EXPECT_EQ(log.update(without_guests({"guest.wbe", "cgroup./pods/*"})), Lines{});
    EXPECT_EQ(log.update(Tick{}), Lines{}) << "a blind tick knows of no guest";
    EXPECT_EQ(log.update(without_guests({"guest.wbe"})),
              Lines{"section cgroup./pods/* is that of a running guest now, or is gone"});
    EXPECT_EQ(log.update(without_guests({"guest.wbe", "cgroup./pods/*"})),
              Lines{"section cgroup./pods/* is that of no running guest"});
}

using Pace = LatencyGuard::Pace;

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

TEST_F(ChangeLogTest, TellsOnceThatAGuestIsLeftAloneAndThatItIsNotAnyMore) {
    tick.hands_off["u"] = {"", "someone else moved 60 MiB of its memory"};
    EXPECT_EQ(log.update(tick), Lines{"web: someone else moved 60 MiB of its memory, so the nodes "
                                      "of its memory are left alone"});
    EXPECT_EQ(log.update(tick), nothing);
    tick.hands_off.clear();
    EXPECT_EQ(log.update(tick), Lines{"web: is balanced again"});
}

}  // namespace
}  // namespace vnuma
