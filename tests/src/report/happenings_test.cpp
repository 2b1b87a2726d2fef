#include "src/report/happenings.hpp"

#include <gtest/gtest.h>

#include "tests/src/hosts.hpp"

namespace vnuma {
namespace {

using control::EventKind;
using control::Happening;
using Lines = std::vector<std::string>;

// What the log has of them.
Lines lines_of(const std::vector<Happening>& happenings) {
    Lines lines;
    for (const Happening& happening : happenings)
        if (is_logged(happening)) lines.push_back(to_log_line(happening));
    return lines;
}

Lines update(Happenings& log, const Tick& tick) {
    return lines_of(log.update(tick));
}

Tick beside(const RivalReading& reading) {
    Tick tick;
    tick.look = std::make_shared<Look>();
    tick.rivals = find_rivals(reading, {});
    return tick;
}

TEST(Happenings, ARivalHasOneLineWhenItComesAndOneWhenItGoes) {
    Happenings log;
    RivalReading numad;
    numad.daemons = {{"numad", 812}};
    EXPECT_EQ(update(log, beside({})), Lines{});
    EXPECT_EQ(update(log, beside(numad)), Lines{"coexist.numad = \"refuse\": numad runs as process "
                                                "812; vnumad acts on no guest"});
    EXPECT_EQ(update(log, beside(numad)), Lines{});
    EXPECT_EQ(update(log, Tick{}), Lines{}) << "a blind tick knows of none";
    EXPECT_EQ(update(log, beside(numad)), Lines{});
    const auto gone = log.update(beside({}));
    EXPECT_EQ(lines_of(gone), Lines{"coexist.numad: it is gone"});
    EXPECT_EQ(gone.at(0).kind, EventKind::conflict);
}

TEST(Happenings, ARivalThatChangesIsToldAgain) {
    Happenings log;
    RivalReading kernel;
    kernel.numa_balancing = 1;
    EXPECT_EQ(log.update(beside(kernel)).size(), 1U);
    kernel.numa_balancing = 2;
    EXPECT_EQ(update(log, beside(kernel)),
              Lines{"coexist.numa_balancing = \"share\": the kernel's NUMA balancing is on "
                    "(kernel.numa_balancing = 2); vnumad goes on as without it"});
}

TEST(Happenings, ASectionThatIsNoGuestsIsToldOnceAChange) {
    Happenings log;
    const auto without_guests = [](const std::vector<std::string>& sections) {
        Tick tick = beside({});
        tick.unmatched_sections = sections;
        return tick;
    };
    EXPECT_EQ(update(log, without_guests({"guest.wbe", "cgroup./pods/*"})),
              (Lines{"section cgroup./pods/* is that of no running guest",
                     "section guest.wbe is that of no running guest"}));
    EXPECT_EQ(update(log, without_guests({"guest.wbe", "cgroup./pods/*"})), Lines{});
    EXPECT_EQ(update(log, Tick{}), Lines{}) << "a blind tick knows of no guest";
    EXPECT_EQ(update(log, without_guests({"guest.wbe"})),
              Lines{"section cgroup./pods/* is that of a running guest now, or is gone"});
    EXPECT_EQ(update(log, without_guests({"guest.wbe", "cgroup./pods/*"})),
              Lines{"section cgroup./pods/* is that of no running guest"});
}

TEST(Happenings, TroublesBeginAndEndOnceAndAreLeftToTheWarningsOfTheLog) {
    Happenings log;
    Tick blind;
    blind.time_ms = 7;
    blind.blind = "libvirt does not answer";
    const auto begun = log.update(blind);
    ASSERT_EQ(begun.size(), 1U);
    EXPECT_EQ(begun[0].kind, EventKind::trouble);
    EXPECT_EQ(begun[0].time_ms, 7);
    EXPECT_EQ(begun[0].text, "blind, so nothing is changed: libvirt does not answer");
    EXPECT_EQ(lines_of(begun), Lines{});
    blind.blind = "libvirt does not answer for 4 s";
    EXPECT_TRUE(log.update(blind).empty()) << "the same trouble with another number";
    const auto over = log.update(beside({}));
    ASSERT_EQ(over.size(), 1U);
    EXPECT_EQ(over[0].text, "guests can be seen again");
}

TEST(Happenings, FreezingIsAChangeOfModeThatABlindTickDoesNotEnd) {
    Happenings log;
    Tick tick = beside({});
    tick.frozen = "vnumad is frozen: /run/vnumad/freeze exists";
    const auto frozen = log.update(tick);
    ASSERT_EQ(frozen.size(), 1U);
    EXPECT_EQ(frozen[0].kind, EventKind::mode_changed);
    EXPECT_EQ(frozen[0].text, "nothing is changed: vnumad is frozen: /run/vnumad/freeze exists");
    EXPECT_TRUE(log.update(Tick{}).empty());
    tick.frozen.clear();
    const auto thawed = log.update(tick);
    ASSERT_EQ(thawed.size(), 1U);
    EXPECT_EQ(thawed[0].kind, EventKind::mode_changed);
    EXPECT_EQ(thawed[0].text, "thawed: guests are balanced again");
}

using Pace = LatencyGuard::Pace;

// A guest on a host whose nodes are 0 and 4.
class HappeningsTest : public ::testing::Test {
  protected:
    HappeningsTest() {
        tick.time_ms = 1000;
        tick.look = std::make_shared<const Look>();
        tick.snapshot.topology = test::two_nodes().topology;
        tick.snapshot.guests.push_back({"u", "web", "", {}, {}});
        CellState cell;
        cell.key = {"u", 0};
        cell.residency = {512 * mib, 0};
        tick.snapshot.guests[0].cells.push_back(cell);
        log.update(tick);
    }
    Lines update(Pace pace, int pauses, bool moves = true) {
        tick.moves["u"] = {0, pace, 1, pauses, "FELT"};
        tick.results.clear();
        if (moves) tick.results.push_back({MoveMemory{{"u", 0}, NodeIndex(1)}, 0, ""});
        return lines_of(log.update(tick));
    }
    void give_home(std::size_t node, Bytes to_move) {
        Verdict verdict{{"u", 0}, Reason::first_home};
        verdict.home = Home{NodeIndex(node)};
        verdict.home->to_move = to_move;
        tick.plan.verdicts = {verdict};
    }
    void move(Bytes bytes) {
        tick.results = {{MoveMemory{{"u", 0}, NodeIndex(1), 512 * mib}, bytes, ""}};
    }
    // The only one of this kind.
    std::optional<Happening> next(EventKind kind) {
        std::optional<Happening> found;
        for (const Happening& happening : log.update(tick)) {
            if (happening.kind != kind) continue;
            EXPECT_FALSE(found) << "told twice";
            found = happening;
        }
        tick.results.clear();
        return found;
    }

    Tick tick;
    Happenings log;
    const Lines told{"web: FELT"}, nothing;
};

TEST_F(HappeningsTest, TellsEachStageOfAFeltMoveOnce) {
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

TEST_F(HappeningsTest, TellsAFeltMoveAgainInTheNextMove) {
    EXPECT_EQ(update(Pace::slower, 0), told);
    EXPECT_EQ(update(Pace::slower, 0, false), nothing);
    EXPECT_EQ(update(Pace::slower, 0), told);
}

TEST_F(HappeningsTest, TellsOnceThatAGuestIsLeftAloneAndThatItIsNotAnyMore) {
    tick.hands_off["u"] = {"", "someone else moved 60 MiB of its memory"};
    EXPECT_EQ(lines_of(log.update(tick)),
              Lines{"web: someone else moved 60 MiB of its memory, so the nodes "
                    "of its memory are left alone"});
    EXPECT_EQ(lines_of(log.update(tick)), nothing);
    tick.hands_off.clear();
    EXPECT_EQ(lines_of(log.update(tick)), Lines{"web: is balanced again"});
}

TEST_F(HappeningsTest, AGuestThatComesAndGoesIsNamedWithItsUuid) {
    tick.snapshot.guests[0].uuid = "v";
    EXPECT_EQ(lines_of(log.update(tick)), (Lines{"web: is gone (u)", "web: is new (v)"}));
}

TEST_F(HappeningsTest, AHomeHasTheNumbersOfTheKernel) {
    give_home(1, 0);
    const auto first = log.update(tick);
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].kind, EventKind::home_changed);
    EXPECT_EQ(first[0].from, std::nullopt);
    EXPECT_EQ(first[0].to, 4);
    EXPECT_EQ(to_log_line(first[0]).substr(0, 13), "web, cell 0: ");
    EXPECT_TRUE(log.update(tick).empty());

    tick.plan.verdicts[0].reason = Reason::settled;
    const auto settled = log.update(tick);
    ASSERT_EQ(settled.size(), 1U);
    EXPECT_EQ(settled[0].kind, EventKind::verdict_changed);
    EXPECT_TRUE(is_logged(settled[0]));

    tick.plan.verdicts[0].home.reset();
    const auto none = next(EventKind::home_changed);
    ASSERT_TRUE(none);
    EXPECT_EQ(none->from, 4);
    EXPECT_EQ(none->to, std::nullopt);
}

TEST_F(HappeningsTest, AFailureIsToldOnceInARow) {
    give_home(1, 0);
    log.update(tick);
    const ActionResult failed{PinCell{{"u", 0}, NodeIndex(1)}, 0, "no permission"};
    tick.results = {failed};
    EXPECT_EQ(lines_of(log.update(tick)), Lines{"web, cell 0: an action failed: no permission"});
    EXPECT_EQ(lines_of(log.update(tick)), nothing);
}

TEST_F(HappeningsTest, AMoveBeginsWithItsFirstBytesAndEndsWhenNothingIsLeft) {
    give_home(1, 512 * mib);
    move(0);
    EXPECT_FALSE(next(EventKind::move_began)) << "it had to wait";
    move(200 * mib);
    const auto begun = next(EventKind::move_began);
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->from, 0);
    EXPECT_EQ(begun->to, 4);
    EXPECT_EQ(begun->bytes, 512 * mib);
    EXPECT_EQ(begun->text, "a move of 512 MiB to node 4 has begun");
    EXPECT_FALSE(is_logged(*begun));
    move(312 * mib);
    EXPECT_FALSE(next(EventKind::move_began));
    give_home(1, 0);
    tick.time_ms += 9000;
    const auto ended = next(EventKind::move_ended);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->bytes, 512 * mib);
    EXPECT_EQ(ended->text, "the move to node 4 is done: 512 MiB were moved in 9 s");
    EXPECT_FALSE(next(EventKind::move_ended));
}

TEST_F(HappeningsTest, AMoveEndsWithItsHomeAndWithItsGuest) {
    give_home(1, 512 * mib);
    move(mib);
    EXPECT_TRUE(next(EventKind::move_began));
    give_home(0, 0);
    const auto other = next(EventKind::move_ended);
    ASSERT_TRUE(other);
    EXPECT_EQ(other->text,
              "the move to node 4 has ended, because its memory belongs on node 0 now: "
              "1 MiB were moved in 0 s");
    give_home(1, 512 * mib);
    move(mib);
    EXPECT_TRUE(next(EventKind::move_began));
    tick.plan.verdicts.clear();
    tick.snapshot.guests.clear();
    const auto gone = next(EventKind::move_ended);
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->guest, "web");
    EXPECT_NE(gone->text.find("because the guest is gone"), std::string::npos);
}

TEST_F(HappeningsTest, AChangedPolicyTellsItsKeysAndBothValues) {
    GuestPolicy& policy = tick.snapshot.guests[0].policy;
    policy.problems = {"a problem"};
    EXPECT_FALSE(next(EventKind::policy_changed)) << "what is in force is the same";
    policy.mode = Mode::observe;
    policy.home = {4};
    policy.nodes = {{0, 4}};
    const auto changed = next(EventKind::policy_changed);
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->guest, "web");
    EXPECT_EQ(changed->text,
              "its policy has changed: mode from act to observe, nodes from all to 0,4, home from "
              "none to 4");
    EXPECT_FALSE(is_logged(*changed));
}

}  // namespace
}  // namespace vnuma
