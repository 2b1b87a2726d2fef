#include "src/control/queries/guests.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/src/control/queries/made_up_tick.hpp"

namespace vnuma::control {
namespace {

using test::MadeUpTick;
using test::tick_of_web1;
using test::web1_uuid;

Doing doing(const MadeUpTick& made) {
    return find_doing(made.tick, 0).doing;
}
std::string why(const MadeUpTick& made) {
    return find_doing(made.tick, 0).why;
}

TEST(Guests, AreSummarizedWithTheirCells) {
    MadeUpTick made = tick_of_web1();
    Verdict& verdict = made.add_verdict(Reason::settling, 1);
    verdict.home->to_move = 1536 * mib;
    made.tick.results.push_back({MoveMemory{verdict.key, NodeIndex(1), 1536 * mib}, 8 * mib, ""});
    made.sample().id = 3;
    const std::vector<GuestSummary> guests = summarize_guests(made.tick);
    ASSERT_EQ(guests.size(), 1U);
    const GuestSummary& guest = guests[0];
    EXPECT_EQ(guest.name, "web1");
    EXPECT_EQ(guest.id, 3);
    EXPECT_EQ(guest.source, "libvirt");
    EXPECT_EQ(guest.state, "running");
    EXPECT_EQ(guest.doing, Doing::moving);
    EXPECT_EQ(guest.vcpus, 2);
    EXPECT_EQ(guest.cpu_use, 2000);
    EXPECT_EQ(guest.size, 2048 * mib);
    EXPECT_EQ(guest.memory, (std::vector<NodeBytes>{{0, 1536 * mib}, {1, 512 * mib}}));
    EXPECT_EQ(guest.locality, 500) << "one vCPU has three quarters near, the other one";
    EXPECT_EQ(guest.to_move, 1536 * mib);
    EXPECT_EQ(guest.moved_per_second, 4 * mib) << "8 MiB in an interval of 2 s";
    ASSERT_EQ(guest.cells.size(), 1U);
    EXPECT_EQ(guest.cells[0].home, 1);
    EXPECT_EQ(guest.cells[0].reason, "settling");
    EXPECT_EQ(guest.cells[0].vcpus, (std::vector<int>{0, 1}));
}

TEST(Guests, HaveTheirLocalityByHeatWhereItIsKnown) {
    MadeUpTick made = tick_of_web1();
    made.sample().cells[0].vcpus[1].last_cpu = 0;
    made.cell().heat = {90 * mib, 10 * mib};
    EXPECT_EQ(summarize_guests(made.tick)[0].locality, 900);
    made.cell().heat = {};
    EXPECT_EQ(summarize_guests(made.tick)[0].locality, 750);
}

TEST(Guests, WeightTheLocalityOfCellsByTheirCpuUse) {
    MadeUpTick made(2);
    made.add_guest("web1", web1_uuid, {0}, {mib, 0});
    made.add_cell({1}, {0, mib});
    made.state().cells[0].cpu_use = 3000;
    made.state().cells[1].cpu_use = 1000;
    EXPECT_EQ(summarize_guests(made.tick)[0].locality, 750);
    made.state().cells[0].cpu_use = made.state().cells[1].cpu_use = 0;
    EXPECT_EQ(summarize_guests(made.tick)[0].locality, 500);
}

TEST(Guests, HaveTheShardsOfACellBehindIt) {
    MadeUpTick made = tick_of_web1();
    made.add_verdict(Reason::split);
    Verdict& shard = made.add_verdict(Reason::settled, 1);
    shard.key.shard = 0;
    shard.vcpus = {1};
    made.state().wide.emplace().own = {{0, 0}, {mib, 3 * mib}};
    const GuestSummary guest = summarize_guest(made.tick, 0);
    ASSERT_EQ(guest.cells.size(), 2U);
    EXPECT_FALSE(guest.cells[0].shard);
    EXPECT_EQ(guest.cells[1].shard, 0);
    EXPECT_EQ(guest.cells[1].vcpus, (std::vector<int>{1}));
    EXPECT_EQ(guest.cells[1].locality, 750);
    EXPECT_EQ(guest.cells[1].size, 0);
    EXPECT_EQ(guest.vcpus, 2) << "vCPUs of shards are not counted twice";
}

TEST(Guests, AreDoneWithAsTheirVerdictSays) {
    const std::map<Reason, Doing> expected{{Reason::settled, Doing::at_home},
                                           {Reason::one_node, Doing::at_home},
                                           {Reason::split, Doing::at_home},
                                           {Reason::roams, Doing::roaming},
                                           {Reason::off, Doing::off},
                                           {Reason::unsteady, Doing::unsteady},
                                           {Reason::not_allowed, Doing::waiting},
                                           {Reason::too_large, Doing::waiting},
                                           {Reason::no_room, Doing::waiting},
                                           {Reason::kept_apart, Doing::waiting},
                                           {Reason::retry_later, Doing::waiting},
                                           {Reason::settling, Doing::waiting},
                                           {Reason::first_home, Doing::waiting},
                                           {Reason::better_home, Doing::waiting},
                                           {Reason::made_way, Doing::waiting},
                                           {Reason::relief, Doing::waiting},
                                           {Reason::with_group, Doing::waiting},
                                           {Reason::displaced, Doing::waiting}};
    for (const auto& [reason, text] : reasons) {
        MadeUpTick made = tick_of_web1();
        made.add_verdict(reason);
        EXPECT_EQ(doing(made), expected.at(reason)) << text;
        EXPECT_EQ(why(made).empty(), doing(made) != Doing::waiting) << text;
    }
}

TEST(Guests, MoveWhileAnActionIsUnderWayAndWaitWhereItIsNot) {
    MadeUpTick made = tick_of_web1();
    const CellKey key = made.add_verdict(Reason::settling, 1).key;
    made.tick.results.push_back({PinCell{key, NodeIndex(1)}, 0, ""});
    EXPECT_EQ(doing(made), Doing::moving);
    made.tick.results[0].error = "sched_setaffinity: no";
    EXPECT_EQ(doing(made), Doing::waiting);
    EXPECT_EQ(why(made), "sched_setaffinity: no");
    made.tick.results[0].error = "";
    made.tick.results[0].skipped = "too late";
    EXPECT_EQ(why(made), "too late");
    made.tick.results.clear();
    made.tick.frozen = "vnumad is frozen";
    EXPECT_EQ(find_doing(made.tick, 0), (DoingAndWhy{Doing::waiting, "vnumad is frozen"}));
}

TEST(Guests, PauseWhereTheyFeelTheirMove) {
    MadeUpTick made = tick_of_web1();
    made.add_verdict(Reason::settling, 1).home->to_move = mib;
    made.tick.moves[web1_uuid].pace = LatencyGuard::Pace::paused;
    made.tick.moves[web1_uuid].felt = "its vCPUs wait";
    EXPECT_EQ(find_doing(made.tick, 0), (DoingAndWhy{Doing::paused, "its vCPUs wait"}));
    made.tick.moves[web1_uuid].pace = LatencyGuard::Pace::slower;
    EXPECT_EQ(doing(made), Doing::waiting);
}

TEST(Guests, AreLeftAloneForOneReasonAtATime) {
    MadeUpTick made = tick_of_web1();
    made.add_verdict(Reason::settled, 0);
    made.tick.hands_off[web1_uuid].memory = "somebody has moved it";
    EXPECT_EQ(find_doing(made.tick, 0), (DoingAndWhy{Doing::hands_off, "somebody has moved it"}));
    made.tick.hands_off[web1_uuid].cpus = made.state().unsteady = "somebody has pinned it";
    EXPECT_EQ(doing(made), Doing::hands_off);
    made.state().unsteady = "it migrates";
    EXPECT_EQ(find_doing(made.tick, 0), (DoingAndWhy{Doing::unsteady, "it migrates"}));
    made.state().unsteady = "";
    made.state().policy.mode = Mode::advise;
    EXPECT_EQ(why(made), "the mode of its policy is advise");
    made.tick.mode = Mode::observe;
    EXPECT_EQ(why(made), "the mode of vnumad is observe");
    EXPECT_EQ(summarize_guest(made.tick, 0).mode, Mode::observe);
    made.state().policy.mode = Mode::off;
    EXPECT_EQ(doing(made), Doing::off);
}

TEST(Guests, OfSeveralCellsDoWhatComesFirst) {
    MadeUpTick made(2);
    made.add_guest("web1", web1_uuid, {0}, {mib, 0});
    made.add_verdict(Reason::roams);
    made.add_cell({2}, {0, mib});
    made.add_verdict(Reason::settled, 1);
    EXPECT_EQ(doing(made), Doing::roaming);
    made.add_cell({2}, {0, mib});
    made.add_verdict(Reason::no_room);
    EXPECT_EQ(doing(made), Doing::waiting);
}

TEST(Guests, AreDescribedWithTheirPartOfTheReportAndTheirPolicy) {
    MadeUpTick made = tick_of_web1();
    made.add_verdict(Reason::settled, 0);
    const GuestDetails details = describe_guest(made.tick, 0);
    EXPECT_EQ(details.summary.name, "web1");
    EXPECT_EQ(details.report["domain"], "web1");
    EXPECT_EQ(details.report["cells"][0]["verdict"]["home"], 0);
    ASSERT_EQ(details.policy.size(), 6U);
    EXPECT_EQ(details.policy[0], (PolicyValue{"mode", "act", "built-in", {}}));
}

TEST(Guests, WithAnEmptyCellHaveItToo) {
    MadeUpTick made = tick_of_web1();
    made.sample().cells.emplace_back().id = 1;
    const GuestSummary guest = summarize_guest(made.tick, 0);
    ASSERT_EQ(guest.cells.size(), 2U);
    EXPECT_EQ(guest.cells[1].reason, "empty");
    EXPECT_EQ(guest.cells[0].reason, "") << "there is no verdict";
}

}  // namespace
}  // namespace vnuma::control
