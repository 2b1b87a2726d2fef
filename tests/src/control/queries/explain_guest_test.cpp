#include "src/control/queries/explain_guest.hpp"

#include <gtest/gtest.h>

#include "tests/src/control/queries/made_up_tick.hpp"

namespace vnuma::control {
namespace {

using test::MadeUpTick;
using test::tick_of_web1;
using test::web1_uuid;

// The explanation as an operator reads it.
std::string text_of(const Tick& tick) {
    const Explanation explanation = explain_guest(tick, 0);
    std::string text;
    const auto add = [&](const char* begin, const std::string& line) {
        if (!line.empty()) text += begin + line + "\n";
    };
    for (const std::string& line : explanation.guest)
        add("", line);
    for (const CellExplanation& cell : explanation.cells) {
        add("", "[" + std::to_string(cell.cell) +
                    (cell.shard ? "." + std::to_string(*cell.shard) : "") + "]");
        add("is: ", cell.where_it_is);
        add("should: ", cell.where_it_should_be);
        add("why: ", cell.why);
        for (const std::string& line : cell.elsewhere)
            add("elsewhere: ", line);
        for (const std::string& line : cell.in_the_way)
            add("in the way: ", line);
        for (const std::string& line : cell.could_change)
            add("change: ", line);
    }
    return text;
}

TEST(ExplainGuest, TellsAWholeStoryOfAGuestAtHome) {
    MadeUpTick made(2);
    made.add_guest("web1", web1_uuid, {0, 1}, {2048 * mib, 0});
    Verdict& verdict = made.add_verdict(Reason::settled, 0);
    verdict.alternative = Alternative{NodeIndex(1), Lack::cheaper, 90};
    EXPECT_EQ(text_of(made.tick),
              "Guest web1 is running; libvirt tells of it.\n"
              "The mode of its policy is act, which nobody has set: vnumad may pin its vCPUs "
              "and move its memory.\n"
              "[0]\n"
              "is: Its vCPUs ran last on node 0 (vCPUs 0-1). Its memory is on node 0 (2 "
              "GiB). If it accesses all of its memory alike, 100 % of its accesses are "
              "local.\n"
              "should: Its home is node 0, where its vCPUs should run and its memory should "
              "be.\n"
              "why: It is at home on node 0, and nothing is left to be done.\n"
              "elsewhere: Node 1 would cost it 90 ms of CPU time instead of 20 ms.\n"
              "change: To have it on node 1 all the same, use `vnumactl move web1 1 "
              "--force`.\n");
}

TEST(ExplainGuest, TellsAWholeStoryOfAGuestOnItsWay) {
    MadeUpTick made = tick_of_web1(3);
    Verdict& verdict = made.add_verdict(Reason::better_home, 1);
    verdict.home->former = FormerHome{NodeIndex(0), 70};
    verdict.home->to_move = 1536 * mib;
    verdict.home->queued_behind = 256 * mib;
    verdict.alternative = Alternative{NodeIndex(0), Lack::cheaper, 70};
    made.tick.results.push_back(
        {MoveMemory{verdict.key, NodeIndex(1), 1536 * mib}, 5 * mib, "", "", {"memory.rate"}});
    EXPECT_EQ(text_of(made.tick),
              "Guest web1 is running; libvirt tells of it.\n"
              "The mode of its policy is act, which nobody has set: vnumad may pin its vCPUs "
              "and move its memory.\n"
              "[0]\n"
              "is: Its vCPUs ran last on node 0 (vCPU 0) and node 1 (vCPU 1). Its memory is "
              "on node 0 (1.5 GiB) and node 1 (512 MiB). If it accesses all of its memory "
              "alike, 50 % of its accesses are local.\n"
              "should: Its home is node 1, where its vCPUs should run and its memory should "
              "be. Still to move there: 1.5 GiB.\n"
              "why: Node 1 becomes its new home because it costs less there than on node 0: "
              "20 ms of CPU time instead of 70 ms. A cost is CPU time that it would lose "
              "within planner.horizon to remote memory, to crowded CPUs and to moving.\n"
              "elsewhere: Node 0 would cost it 70 ms of CPU time instead of 20 ms.\n"
              "elsewhere: Node 2 has no room, or costs it no less than node 0.\n"
              "in the way: Moves of all guests together are at the limit of memory.rate.\n"
              "in the way: Other moves come first: 256 MiB.\n"
              "change: To have it on node 0 all the same, use `vnumactl move web1 0 "
              "--force`.\n");
}

TEST(ExplainGuest, TellsAWholeStoryOfAGuestThatFindsNoRoom) {
    MadeUpTick made = tick_of_web1(3);
    made.state().policy.nodes = {0, 1};
    made.cell().allowed.erase(NodeIndex(2));
    made.tick.policy.run_time.guests["web1"].nodes = {0, 1};
    Verdict& verdict = made.add_verdict(Reason::no_room);
    verdict.alternative =
        Alternative{NodeIndex(1), Lack::memory, std::nullopt, Shortage{1536 * mib, 300 * mib}};
    EXPECT_EQ(text_of(made.tick),
              "Guest web1 is running; libvirt tells of it.\n"
              "The mode of its policy is act, which nobody has set: vnumad may pin its vCPUs "
              "and move its memory.\n"
              "Its policy allows nodes 0-1 only.\n"
              "[0]\n"
              "is: Its vCPUs ran last on node 0 (vCPU 0) and node 1 (vCPU 1). Its memory is "
              "on node 0 (1.5 GiB) and node 1 (512 MiB). If it accesses all of its memory "
              "alike, 50 % of its accesses are local.\n"
              "should: It has no home: its vCPUs run wherever its owner lets them, and its "
              "memory stays where it is.\n"
              "why: It is small enough for a node that it may use, but none has enough "
              "memory left for it.\n"
              "elsewhere: Node 0 has no room for it: 1 GiB is available there, and "
              "memory.watermark of the node is kept free.\n"
              "elsewhere: Node 1 has no room: 1.5 GiB of its memory would come, and the node "
              "has room for 300 MiB (memory.watermark of it is kept free).\n"
              "elsewhere: Node 2 is ruled out by its policy: nodes=0-1.\n"
              "change: To make room on node 1, end or move a guest or program that uses "
              "memory there, or lower memory.watermark in vnumad's configuration.\n"
              "change: To allow all nodes that its policy rules out, use `vnumactl policy "
              "set web1 nodes=0-2`.\n");
}

TEST(ExplainGuest, TellsAWholeStoryOfAGuestThatSomebodyElseHasPinned) {
    MadeUpTick made = tick_of_web1();
    const std::string why = "somebody else has changed the CPUs of vCPU 1";
    made.tick.hands_off[web1_uuid] = {why, ""};
    made.state().unsteady = why;
    made.add_verdict(Reason::unsteady).detail = why;
    EXPECT_EQ(text_of(made.tick),
              "Guest web1 is running; libvirt tells of it.\n"
              "The mode of its policy is act, which nobody has set: vnumad may pin its vCPUs "
              "and move its memory.\n"
              "Its CPUs are left alone until an operator says otherwise: somebody else has "
              "changed the CPUs of vCPU 1.\n"
              "[0]\n"
              "is: Its vCPUs ran last on node 0 (vCPU 0) and node 1 (vCPU 1). Its memory is "
              "on node 0 (1.5 GiB) and node 1 (512 MiB). If it accesses all of its memory "
              "alike, 50 % of its accesses are local.\n"
              "should: No home is planned for it.\n"
              "why: vnumad leaves the guest alone for now: somebody else has changed the "
              "CPUs of vCPU 1.\n"
              "change: To have vnumad balance it again, use `vnumactl thaw web1`.\n");
}

TEST(ExplainGuest, TellsAWholeStoryOfAGuestThatFeelsItsMove) {
    MadeUpTick made = tick_of_web1();
    Verdict& verdict = made.add_verdict(Reason::settling, 1);
    verdict.home->to_move = 1536 * mib;
    GuestMoves& moves = made.tick.moves[web1_uuid];
    moves.pace = LatencyGuard::Pace::paused;
    moves.felt =
        "its vCPUs wait 60 ms a second longer while its memory moves, so the move goes on in 9 s";
    verdict.alternative = Alternative{NodeIndex(0), Lack::cool_down, 10};
    verdict.wait = 290'000;
    EXPECT_EQ(text_of(made.tick),
              "Guest web1 is running; libvirt tells of it.\n"
              "The mode of its policy is act, which nobody has set: vnumad may pin its vCPUs "
              "and move its memory.\n"
              "[0]\n"
              "is: Its vCPUs ran last on node 0 (vCPU 0) and node 1 (vCPU 1). Its memory is "
              "on node 0 (1.5 GiB) and node 1 (512 MiB). If it accesses all of its memory "
              "alike, 50 % of its accesses are local.\n"
              "should: Its home is node 1, where its vCPUs should run and its memory should "
              "be. Still to move there: 1.5 GiB.\n"
              "why: It is on its way to node 1, its home: 1.5 GiB of its memory is still to "
              "move.\n"
              "elsewhere: Node 0 would cost it 10 ms of CPU time instead of 20 ms, but its "
              "home or that of its group changed recently, so it stays for another 4 min 50 "
              "s (planner.cool_down).\n"
              "in the way: The guest feels its move: its vCPUs wait 60 ms a second longer "
              "while its memory moves, so the move goes on in 9 s.\n"
              "in the way: Its home may change in 4 min 50 s at the earliest.\n"
              "change: To have homes change sooner, lower planner.cool_down in vnumad's "
              "configuration.\n"
              "change: To have it on node 0 all the same, use `vnumactl move web1 0 "
              "--force`.\n"
              "change: To move its memory in spite of what it feels, raise memory.felt in "
              "vnumad's configuration; to have it feel less, lower memory.guest_rate there.\n");
}

TEST(ExplainGuest, TellsAWholeStoryWhereVnumadOnlyObserves) {
    MadeUpTick made = tick_of_web1();
    made.tick.mode = Mode::observe;
    made.state().policy.memory = MemoryPolicy::none;
    made.tick.policy.defaults.memory = MemoryPolicy::none;
    made.cell().movable = false;
    made.add_verdict(Reason::first_home, 1);
    EXPECT_EQ(text_of(made.tick),
              "Guest web1 is running; libvirt tells of it.\n"
              "The mode of its policy is act, which nobody has set: vnumad would pin its "
              "vCPUs and move its memory.\n"
              "vnumad itself runs in mode observe, so it changes nothing on this host.\n"
              "[0]\n"
              "is: Its vCPUs ran last on node 0 (vCPU 0) and node 1 (vCPU 1). Its memory is "
              "on node 0 (1.5 GiB) and node 1 (512 MiB). If it accesses all of its memory "
              "alike, 50 % of its accesses are local.\n"
              "should: Its home is node 1, where its vCPUs should run. Its memory stays "
              "where it is.\n"
              "why: It is new to the planner. For all guests together, node 1 is the best "
              "first home for it: it costs 20 ms of CPU time there. A cost is CPU time that "
              "it would lose within planner.horizon to remote memory, to crowded CPUs and to "
              "moving.\n"
              "elsewhere: Node 0 is not large enough for it: memory.watermark of each node "
              "is kept free.\n"
              "in the way: This is a plan only: the mode of vnumad is observe, not act.\n"
              "in the way: Its policy lets no memory move (memory=none).\n"
              "change: To have vnumad act on this host, set mode = \"act\" in its "
              "configuration and restart it.\n"
              "change: To let vnumad do more with this guest, use `vnumactl policy set web1 "
              "memory=lazy`.\n");
}

TEST(ExplainGuest, TellsAWholeStoryOfAGuestInShards) {
    MadeUpTick made(2);
    made.add_guest("big", web1_uuid, {0, 1, 2, 3}, {3072 * mib, 3072 * mib});
    made.state().wide.emplace();
    made.state().wide->own = {{100 * mib, 0}, {300 * mib, 100 * mib}, {0, 200 * mib}, {0, 0}};
    made.add_verdict(Reason::split).detail =
        "2 shards with 4 vCPUs, 7 % of their accesses go to the memory of other shards";
    for (int shard = 0; shard < 2; ++shard) {
        Verdict& verdict = made.add_verdict(Reason::settled, static_cast<std::size_t>(shard));
        verdict.key.shard = shard;
        verdict.vcpus =
            shard == 0 ? std::vector<std::size_t>{0, 1} : std::vector<std::size_t>{2, 3};
    }
    EXPECT_EQ(text_of(made.tick),
              "Guest big is running; libvirt tells of it.\n"
              "The mode of its policy is act, which nobody has set: vnumad may pin its vCPUs "
              "and move its memory.\n"
              "[0]\n"
              "is: Its vCPUs ran last on node 0 (vCPUs 0-1) and node 1 (vCPUs 2-3). Its "
              "memory is on node 0 (3 GiB) and node 1 (3 GiB). If it accesses all of its "
              "memory alike, 50 % of its accesses are local.\n"
              "should: It has no home as a whole. Each of its shards has a home of its own.\n"
              "why: As a whole it is too large or too busy for any node it may use, so it is "
              "placed in parts: 2 shards with 4 vCPUs, 7 % of their accesses go to the "
              "memory of other shards.\n"
              "change: Several NUMA cells in the guest (<numa> in <cpu> in the domain) would "
              "let its own kernel keep memory near to its vCPUs.\n"
              "[0.0]\n"
              "is: Its vCPUs ran last on node 0 (vCPUs 0-1). The memory that its vCPUs alone "
              "access is on node 0 (400 MiB) and node 1 (100 MiB). If its vCPUs access all "
              "of that alike, 88 % of the accesses are local.\n"
              "should: Its home is node 0, where its vCPUs should run and its memory should "
              "be.\n"
              "why: It is at home on node 0, and nothing is left to be done.\n"
              "elsewhere: Node 1 is not large enough for it: memory.watermark of each node "
              "is kept free.\n"
              "[0.1]\n"
              "is: Its vCPUs ran last on node 1 (vCPUs 2-3). The memory that its vCPUs alone "
              "access is on node 1 (200 MiB). If its vCPUs access all of that alike, 100 % "
              "of the accesses are local.\n"
              "should: Its home is node 1, where its vCPUs should run and its memory should "
              "be.\n"
              "why: It is at home on node 1, and nothing is left to be done.\n"
              "elsewhere: Node 0 is not large enough for it: memory.watermark of each node "
              "is kept free.\n");
}

TEST(ExplainGuest, SaysThatNothingIsDoneWhileVnumadIsFrozenAndHowToThaw) {
    MadeUpTick made = tick_of_web1();
    made.tick.frozen = "vnumad is frozen: /run/vnumad/freeze exists";
    made.add_verdict(Reason::first_home, 1);
    const Explanation explanation = explain_guest(made.tick, 0);
    EXPECT_EQ(explanation.guest.back(),
              "Nothing is changed now: vnumad is frozen: /run/vnumad/freeze exists.");
    ASSERT_FALSE(explanation.cells[0].could_change.empty());
    EXPECT_EQ(explanation.cells[0].could_change[0], "To have vnumad go on, use `vnumactl thaw`.");
}

TEST(ExplainGuest, SaysWhoseModeItIsAndWhereToChangeIt) {
    const auto first_advice = [](MadeUpTick& made) {
        made.state().policy.mode = Mode::observe;
        return explain_guest(made.tick, 0).cells[0].could_change[0];
    };
    MadeUpTick by_ceiling = tick_of_web1();
    by_ceiling.tick.policy.ceiling_mode = Mode::observe;
    EXPECT_EQ(first_advice(by_ceiling),
              "To allow more for all guests, raise ceiling.mode in vnumad's configuration and "
              "restart vnumad.");
    MadeUpTick by_numad = tick_of_web1();
    by_numad.tick.policy.limits.push_back({"coexist.numad", "numad runs", Mode::observe});
    EXPECT_EQ(first_advice(by_numad),
              "To have vnumad act all the same, end the other balancer, or set coexist.numad = "
              "\"share\" in vnumad's configuration and restart vnumad.");
    MadeUpTick by_section = tick_of_web1();
    by_section.tick.policy.guests["web1"].mode = Mode::observe;
    EXPECT_EQ(first_advice(by_section),
              "To let vnumad do more with this guest, use `vnumactl policy set web1 mode=act`.");
}

TEST(ExplainGuest, NamesWhatRulesOutEachNode) {
    MadeUpTick made = tick_of_web1(4);
    made.add_verdict(Reason::settled, 0);
    made.cell().allowed = NodeSet::only(NodeIndex(0));
    made.sample().memory_nodes = {0, 1, 2};
    made.sample().cells[0].residency.bound_to = {0, 1};
    const auto elsewhere = explain_guest(made.tick, 0).cells[0].elsewhere;
    ASSERT_EQ(elsewhere.size(), 3U);
    EXPECT_EQ(
        elsewhere[0],
        "Node 1 is ruled out because its owner does not let all of its vCPUs run there, or on "
        "too few CPUs (<vcpupin>, cpuset or affinity).");
    EXPECT_EQ(elsewhere[1], "Node 2 is ruled out because its owner binds its memory to nodes 0-1.");
    EXPECT_EQ(elsewhere[2],
              "Node 3 is ruled out because its cpuset allows its memory on nodes 0-2 only.");
}

TEST(ExplainGuest, TellsThatAnOperatorHasOrderedTheHome) {
    MadeUpTick made = tick_of_web1();
    made.state().policy.home = {1};
    made.cell().allowed = NodeSet::only(NodeIndex(1));
    made.add_verdict(Reason::first_home, 1);
    const Explanation explanation = explain_guest(made.tick, 0);
    EXPECT_EQ(explanation.guest.back(), "An operator has ordered its home, once: node 1.");
    EXPECT_EQ(explanation.cells[0].why, "An operator has ordered node 1 as its home, once.");
    EXPECT_EQ(explanation.cells[0].elsewhere[0],
              "Node 0 is ruled out because an operator has ordered another home: home=1.");
}

TEST(ExplainGuest, HasACellForEachCellAlsoForEmptyOnes) {
    MadeUpTick made = tick_of_web1();
    made.add_verdict(Reason::settled, 0);
    made.sample().cells.emplace_back().id = 1;
    const Explanation explanation = explain_guest(made.tick, 0);
    ASSERT_EQ(explanation.cells.size(), 2U);
    EXPECT_EQ(explanation.cells[1].where_it_is, "It has neither vCPUs nor memory.");
    EXPECT_EQ(explanation.cells[1].why, "A cell with neither vCPUs nor memory is not planned.");
}

}  // namespace
}  // namespace vnuma::control
