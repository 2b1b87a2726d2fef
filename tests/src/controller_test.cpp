#include "src/controller.hpp"

#include <filesystem>

#include "tests/src/loop.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

using namespace test;

class ControllerTest : public Loop {};

TEST_F(ControllerTest, AMisplacedGuestIsPinnedAndItsMemoryComesHome) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    host->guests["a"].cells[0].chunk_nodes.back() = 1;  // a little is on the other node
    run(3);
    EXPECT_EQ(verdict(ticks.back(), "a").home_node(), NodeIndex(0));
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[0]);
    run(3);
    EXPECT_EQ(verdict(ticks.back(), "a").reason, Reason::settled);
    EXPECT_EQ(recorded, ticks.size());
}

TEST_F(ControllerTest, MemoryThatIsNotWhereTheHomeIsMovesWithinTheRate) {
    config.planner.pace = 64 * mib;
    host->guests["a"] = make_guest("alpha", 2, 400 * mib, 1);
    host->guests["b"] = make_guest("beta", 4, 600 * mib, 1, 4000);
    ASSERT_TRUE(reaches(Reason::first_home, "a"));
    const Bytes before = host->memory_on("a", 1) + host->memory_on("b", 1);
    const auto begin = clock.now();
    run(4);
    const Bytes moved = before - host->memory_on("a", 1) - host->memory_on("b", 1);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock.now() - begin);
    EXPECT_GT(moved, 0);
    EXPECT_LE(moved, 64 * mib * (seconds.count() + 3)) << "and what one step may be above the rate";
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(host->memory_on("a", 1) == 0 || host->memory_on("b", 1) == 0, true);
}

TEST_F(ControllerTest, ADryRunMakesNoCallAndTellsTheSameEveryTime) {
    config.mode = Mode::advise;
    host->real = false;
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    run(2);
    const Plan second = ticks.back().plan;
    EXPECT_FALSE(second.actions.empty());
    EXPECT_EQ(run(1).plan.actions, second.actions);
    EXPECT_TRUE(ticks.back().results.empty());
    EXPECT_EQ(host->affinity_calls + host->move_calls, 0U);
}

TEST_F(ControllerTest, BlindMeansStillAndTheNextLookStartsAfresh) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    run(1);
    host->on_list = [] { throw SourceError("libvirt is gone"); };
    EXPECT_EQ(run(1).blind, "libvirt is gone");
    EXPECT_EQ(ticks.back().look, nullptr);
    EXPECT_TRUE(ticks.back().plan.verdicts.empty());
    host->on_list = [] {};
    EXPECT_EQ(run(1).blind, "");
    EXPECT_EQ(verdict(ticks.back(), "a").reason, Reason::unsteady) << "its CPU use is not known";
    EXPECT_TRUE(reaches(Reason::first_home, "a"));
    host->on_sample = [] { throw std::system_error(EMFILE, std::generic_category()); };
    EXPECT_NE(run(1).blind, "");
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[0]) << "pins stay";
}

TEST_F(ControllerTest, AGuestThatVanishesTakesNobodyWithIt) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    host->guests["b"] = make_guest("beta", 2, 200 * mib, 1);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    host->guests.erase("a");
    run(2);
    ASSERT_EQ(ticks.back().plan.verdicts.size(), 1U);
    EXPECT_EQ(verdict(ticks.back(), "b").reason, Reason::settled);
}

TEST_F(ControllerTest, AGuestWithoutAProcessIsInThePlanAndNothingIsDoneToIt) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    run(1);
    host->guests["a"].alive = false;
    run(1);
    for (const ActionResult& result : ticks.back().results)
        EXPECT_EQ(result.skipped, "the guest is not in the sample");
    EXPECT_EQ(host->affinity_calls, 0U);
}

TEST_F(ControllerTest, AGuestThatEndsRightBeforeACallIsNotPinned) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    run(1);
    host->kill_before_next_call();
    run(1);
    ASSERT_FALSE(ticks.back().results.empty());
    EXPECT_EQ(ticks.back().results[0].error, "the guest has ended");
    EXPECT_EQ(host->affinity_calls, 0U);
}

TEST_F(ControllerTest, APinThatFailsIsTriedAgainLaterAndMemoryWaitsForIt) {
    config.planner.pace = 1024 * mib;
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    for (std::size_t i = 0; i < 20; ++i)
        host->guests["a"].cells[0].chunk_nodes[i] = 1;
    host->fail_affinity = [](const auto&) { return EPERM; };
    run(2);
    ASSERT_EQ(ticks.back().results.size(), 2U) << "each action has a result";
    EXPECT_NE(ticks.back().results[0].error.find("vCPU 0: sched_setaffinity"), std::string::npos);
    EXPECT_NE(ticks.back().results[1].skipped.find("could not be pinned"), std::string::npos);
    EXPECT_EQ(host->memory_on("a", 1), 40 * mib);
    EXPECT_EQ(verdict(run(1), "a").reason, Reason::retry_later);
    EXPECT_TRUE(ticks.back().plan.actions.empty());
    host->fail_affinity = [](const auto&) { return 0; };
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(host->memory_on("a", 1), 0);
}

TEST_F(ControllerTest, TheVcpuThatFailsLastLeavesNoneOfTheCellPinned) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    const std::vector<int> all = host->affinity_of("a", 1);
    host->fail_affinity = [calls = 0](const auto&) mutable { return ++calls == 2 ? EINVAL : 0; };
    run(2);
    EXPECT_EQ(host->affinity_of("a", 0), all);
    EXPECT_EQ(host->affinity_of("a", 1), all);
}

TEST_F(ControllerTest, AMoveThatTheKernelRefusesIsToldAndTriedAgain) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    for (std::size_t i = 0; i < 20; ++i)
        host->guests["a"].cells[0].chunk_nodes[i] = 1;
    host->fail_move = [](int) { return ENOMEM; };
    run(2);
    ASSERT_EQ(ticks.back().results.size(), 2U);
    EXPECT_EQ(ticks.back().results[1].error,
              "move_pages: Cannot allocate memory: the node or the kernel has no free memory");
    host->fail_move = [](int) { return 0; };
    EXPECT_EQ(verdict(run(1), "a").reason, Reason::retry_later);
    EXPECT_TRUE(reaches(Reason::settled, "a"));
}

TEST_F(ControllerTest, CallsThatHangOrComeLateEndTheTickAndNotTheLoop) {
    host->guests["a"] = make_guest("alpha", 2, 400 * mib, 0);
    for (int& node : host->guests["a"].cells[0].chunk_nodes)
        node = 1;
    host->guests["b"] = make_guest("beta", 4, 600 * mib, 1, 4000);
    host->move_time = 5s;
    ASSERT_TRUE(reaches(Reason::first_home, "a"));
    const std::size_t calls = host->move_calls;
    run(3);
    EXPECT_LE(host->move_calls - calls, 3U) << "no call begins after a tick's time";
    EXPECT_GT(host->move_calls, 0U);
    std::size_t begun = 0;
    for (const ActionResult& result : ticks.back().results) {
        if (!std::holds_alternative<MoveMemory>(result.action)) continue;
        begun += result.bytes > 0 ? 1 : 0;
        EXPECT_EQ(result.skipped, result.bytes > 0 ? "" : "the tick is over");
    }
    EXPECT_EQ(begun, 1U);
}

TEST_F(ControllerTest, ALookThatTakesLongerThanTheIntervalActsOnWhatIsYoungEnough) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    host->on_sample = [this] { clock.pass(1500ms); };
    config.interval = 1s;
    run(2);
    EXPECT_EQ(ticks.back().look_time, 1500ms);
    ASSERT_FALSE(ticks.back().results.empty());
    EXPECT_EQ(ticks.back().results[0].skipped, "");
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[0]);
}

TEST_F(ControllerTest, NothingActsOnAReadingThatIsTooOldAndTheResultSaysSo) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    host->on_sample = [this] { clock.pass(2500ms); };
    run(3);
    ASSERT_FALSE(ticks.back().results.empty());
    EXPECT_EQ(ticks.back().results[0].skipped,
              "the guest was read 2500 ms ago, and nothing acts on what is older than 2 s");
    EXPECT_EQ(host->affinity_calls, 0U);
    EXPECT_NE(verdict(ticks.back(), "a").reason, Reason::retry_later) << "it is no failure";
}

TEST_F(ControllerTest, PinsAreUndoneExactly) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    const std::vector<int> all = host->affinity_of("a", 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    ASSERT_NE(host->affinity_of("a", 0), all);
    controller->undo_pins();
    EXPECT_EQ(host->affinity_of("a", 0), all);
    EXPECT_EQ(host->affinity_of("a", 1), all);
}

TEST_F(ControllerTest, ACpuThatGoesOfflineIsNotPinnedToAndANodeThatIsGoneIsNobodysHome) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    HostNode& node = host->host.topology.nodes[0];
    node.cpus = 0;
    node.cpu_capacity = 0;
    host->host.cpus[0].clear();
    for (const int vcpu : {0, 1})  // as the kernel does
        host->set_affinity_of("a", vcpu, host->host.cpus[1]);
    for (int& chunk : host->guests["a"].cells[0].chunk_nodes)
        chunk = 1;
    EXPECT_TRUE(reaches(Reason::displaced, "a"));
    EXPECT_EQ(verdict(ticks.back(), "a").home_node(), NodeIndex(1));
    run(1);
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[1]);
}

TEST_F(ControllerTest, ARunTimePolicyThatCannotBeReadAtTheStartStopsAllActionsUntilItCan) {
    const test::TemporaryDirectory directory;
    config.run_time_policy = directory.path("policy.toml");
    directory.write("policy.toml", "[guest.alpha\nmode = \"off\"\n");
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    host->guests["b"] = make_guest("beta", 2, 200 * mib, 1);
    run(5);
    EXPECT_EQ(host->affinity_calls + host->move_calls, 0U);
    EXPECT_NE(ticks.back().policy_problem, "");
    EXPECT_EQ(ticks.back().snapshot.guests[0].policy.mode, Mode::observe);
    directory.write("policy.toml", "[guest.alpha]\nmode = \"off\"\n");
    ASSERT_TRUE(reaches(Reason::settled, "b"));
    EXPECT_EQ(verdict(ticks.back(), "a").reason, Reason::off);
    EXPECT_EQ(ticks.back().policy_problem, "");
    directory.write("policy.toml", "[guest.alpha\n");
    run(2);
    EXPECT_EQ(verdict(ticks.back(), "a").reason, Reason::off) << "the previous policy holds";
    EXPECT_EQ(verdict(ticks.back(), "b").reason, Reason::settled);
}

TEST_F(ControllerTest, GuestsThatAreActedOnAreReadFirst) {
    config.planner.pace = 16 * mib;
    host->guests["a"] = make_guest("alpha", 2, 400 * mib, 0);
    for (std::size_t i = 0; i < 50; ++i)
        host->guests["a"].cells[0].chunk_nodes[i] = 1;
    ASSERT_TRUE(reaches(Reason::first_home, "a"));
    run(1);
    EXPECT_EQ(host->last_request.urgent, std::set<std::string>{"a"});
    EXPECT_TRUE(host->last_request.hints.at("a").wanted);
}

TEST_F(ControllerTest, AnAdministratorWinsWhateverCpusTheySet) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    const std::vector<int> all = host->affinity_of("a", 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    ASSERT_EQ(host->affinity_of("a", 0), host->host.cpus[0]);
    host->set_affinity_of("a", 0, all);  // taskset -p with the CPUs from before
    run(1);
    EXPECT_EQ(verdict(ticks.back(), "a").reason, Reason::unsteady);
    EXPECT_NE(ticks.back().snapshot.guests[0].unsteady.find("vCPU 0 to 0-7"), std::string::npos);
    run(5);
    EXPECT_EQ(host->affinity_of("a", 0), all);
    std::filesystem::remove(directory.path("hands-off/a"));
    EXPECT_TRUE(reaches(Reason::settled, "a")) << "they have said otherwise";
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[0]);
}

TEST_F(ControllerTest, WhatLibvirtHasPinnedForVnumadIsNobodysWish) {
    config.pin_by_libvirt = true;
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    const std::vector<int> all = host->affinity_of("a", 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    run(2);
    EXPECT_EQ((host->vcpupin[{"a", 1}]), host->host.cpus[0]);
    EXPECT_EQ(host->affinity_calls, 0U);
    EXPECT_TRUE(hands_off.all().empty());
    controller->undo_pins();
    EXPECT_EQ((host->vcpupin[{"a", 1}]), all);
}

TEST_F(ControllerTest, WhatTheOwnerPinsThroughLibvirtWinsEvenIfItIsTheValueFromBefore) {
    config.pin_by_libvirt = true;
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    const std::vector<int> all = host->affinity_of("a", 0);
    host->vcpupin[{"a", 0}] = all;
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    host->vcpupin[{"a", 0}] = all;  // virsh vcpupin
    host->set_affinity_of("a", 0, all);
    run(6);
    EXPECT_EQ(host->affinity_of("a", 0), all);
    EXPECT_EQ(hands_off.all().at("a").cpus, "its owner has configured the CPUs of vCPU 0: 0-7");
}

TEST_F(ControllerTest, MemoryFollowsVcpusThatSomebodyElseHasPinned) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    for (const int vcpu : {0, 1})
        host->set_affinity_of("a", vcpu, host->host.cpus[1]);
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(host->memory_on("a", 0), 0);
    EXPECT_EQ(host->affinity_of("a", 1), host->host.cpus[1]);
    EXPECT_TRUE(controller->undo_pins().value().empty()) << "none of them is ours";
}

TEST_F(ControllerTest, MemoryThatAnAdministratorMovesStaysWhereItIs) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    run(2);
    for (int& node : host->guests["a"].cells[0].chunk_nodes)
        node = 1;  // migratepages
    run(6);
    EXPECT_EQ(host->memory_on("a", 1), 200 * mib);
    EXPECT_FALSE(ticks.back().snapshot.guests[0].cells[0].movable);
    EXPECT_TRUE(std::filesystem::exists(directory.path("hands-off/a")));
}

TEST_F(ControllerTest, WhileFrozenNothingIsDoneAndReportsGoOn) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    directory.write("freeze", "");
    run(3);
    EXPECT_NE(ticks.back().frozen.find("/freeze exists"), std::string::npos);
    ASSERT_FALSE(ticks.back().results.empty());
    EXPECT_EQ(ticks.back().results[0].skipped, ticks.back().frozen);
    EXPECT_EQ(host->affinity_calls + host->move_calls, 0U);
    std::filesystem::remove(directory.path("freeze"));
    EXPECT_TRUE(reaches(Reason::settled, "a"));
    directory.write("freeze", "");
    run(2);
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[0]) << "pins stay";
}

TEST_F(ControllerTest, TrackingBeginsNothingOnceAFreezeShowsInTheMiddleOfALook) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    bool before = false, after = true;
    host->on_sample = [&] {
        before = host->last_request.may_begin();
        directory.write("freeze", "");
        after = host->last_request.may_begin();
    };
    run(1);
    EXPECT_TRUE(before);
    EXPECT_FALSE(after);
}

TEST_F(ControllerTest, AnIothreadGoesWithTheCellThatItServes) {
    FakeGuest guest = make_guest("alpha", 2, 256 * mib, 0);
    guest.cells.push_back(make_guest("", 2, 256 * mib, 1).cells[0]);
    guest.emulator_threads = 1;
    guest.iothread_cells = {{1, 0}, {2, 1}, {3, 7}};
    host->guests["a"] = guest;
    run(4);
    EXPECT_EQ(host->affinity_of("a", FakeHost::iothread(1)), host->host.cpus[0]);
    EXPECT_EQ(host->affinity_of("a", FakeHost::iothread(2)), host->host.cpus[1]);
    const auto all = host->affinity_of("a", FakeHost::emulator_thread(0));
    EXPECT_EQ(all.size(), host->host.cpus[0].size() + host->host.cpus[1].size());
    EXPECT_EQ(host->affinity_of("a", FakeHost::iothread(3)), all) << "there is no such cell";
}

TEST_F(ControllerTest, WhatServesAGuestDoesNotGoToCellsThatAreEmpty) {
    FakeGuest guest = make_guest("alpha", 2, 256 * mib, 1);
    guest.cells.resize(9, {0, {}, 0});  // a GPU's
    guest.emulator_threads = 1;
    guest.iothread_cells = {{1, 5}};
    host->guests["a"] = guest;
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    EXPECT_EQ(ticks.back().plan.verdicts.size(), 1U);
    EXPECT_EQ(verdict(ticks.back(), "a").home_node(), NodeIndex(1));
    EXPECT_EQ(host->affinity_of("a", FakeHost::emulator_thread(0)), host->host.cpus[1]);
    EXPECT_EQ(host->affinity_of("a", FakeHost::iothread(1)), host->host.cpus[1]);
}

TEST_F(ControllerTest, EmptyCellsKeepNoGuestOfTheirGroupAway) {
    config.policy.groups["g"].arrangement = Arrangement::apart;
    config.policy.defaults.group = "g";
    host->guests["a"] = make_guest("alpha", 2, 256 * mib, 1);
    host->guests["a"].cells.resize(9, {0, {}, 0});
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    host->guests["b"] = make_guest("beta", 2, 256 * mib, 1);
    ASSERT_TRUE(reaches(Reason::settled, "b"));
    EXPECT_EQ(verdict(ticks.back(), "b").home_node(), NodeIndex(0));
}

}  // namespace
}  // namespace vnuma
