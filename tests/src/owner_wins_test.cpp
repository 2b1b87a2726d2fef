// What vnumad leaves as it is: what somebody else has changed, and what it cannot see.
#include <cerrno>

#include "tests/src/loop.hpp"

namespace vnuma {
namespace {

using namespace test;

class OwnerWinsTest : public Loop {};

TEST_F(OwnerWinsTest, AnAffinityThatSomeoneElseChangesMakesTheGuestHandsOff) {
    host->guests["a"] = make_guest("alpha", 2, 200 * mib, 0);
    ASSERT_TRUE(reaches(Reason::settled, "a"));
    host->set_affinity_of("a", 1, {7});
    run(2);
    EXPECT_EQ(verdict(ticks.back(), "a").reason, Reason::unsteady);
    EXPECT_EQ(host->affinity_of("a", 1), std::vector<int>{7});
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[0]);
}

// virsh emulatorpin, or taskset: the vCPUs keep vnumad's pins, and nothing is pinned any more.
TEST_F(OwnerWinsTest, AnEmulatorThreadThatItsOwnerChangesIsLeftAsItIs) {
    host->guests["a"] = make_guest("a", 2, 256 * mib, 1);
    host->guests["a"].emulator_threads = 2;
    run(4);
    const int emulator = FakeHost::emulator_thread(0);
    ASSERT_EQ(host->affinity_of("a", emulator), host->host.cpus[1]);
    host->set_affinity_of("a", emulator, host->host.cpus[0]);
    host->affinity_calls = 0;
    const Tick& tick = run(4);
    EXPECT_EQ(host->affinity_of("a", emulator), host->host.cpus[0]);
    EXPECT_EQ(host->affinity_calls, 0U);
    EXPECT_EQ(host->affinity_of("a", 0), host->host.cpus[1]);
    ASSERT_TRUE(tick.hands_off.contains("a"));
    EXPECT_TRUE(
        tick.hands_off.at("a").cpus.starts_with("someone else changed the CPUs of emulator"))
        << tick.hands_off.at("a").cpus;
    EXPECT_EQ(tick.snapshot.guests[0].cells[0].allowed.size(), 1) << "its home stays";
}

TEST_F(OwnerWinsTest, NoThreadIsPinnedByAReadingThatIsOld) {
    host->guests["a"] = make_guest("a", 2, 256 * mib, 1);
    run(4);
    host->guests["a"].emulator_threads = 1;  // a new one
    host->on_sample = [&] { clock.pass(3s); };
    run(1);
    EXPECT_EQ(host->affinity_of("a", FakeHost::emulator_thread(0)).size(), 8U);
    host->on_sample = [] {};
    run(2);
    EXPECT_EQ(host->affinity_of("a", FakeHost::emulator_thread(0)), host->host.cpus[1]);
}

// Without a free descriptor nothing can be read in /proc, and nothing has ended.
TEST_F(OwnerWinsTest, PinsAreNotForgottenWhenThreadsCannotBeRead) {
    host->guests["a"] = make_guest("a", 2, 256 * mib, 1);
    run(4);
    const std::size_t pinned = journal.entries().size();
    ASSERT_GE(pinned, 2U);
    host->why_unreadable = EMFILE;
    host->guests.clear();
    run(2);
    EXPECT_EQ(journal.entries().size(), pinned);
    const auto failed = controller->undo_pins();
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->front().outcome, PutBack::failed);
    EXPECT_EQ(journal.entries().size(), pinned) << "the next start tries again";
}

// migratepages, for a guest that its owner has pinned, and vnumad has not.
TEST_F(OwnerWinsTest, MemoryThatSomebodyElseMovesStaysAlsoIfTheOwnerHasPinnedTheGuest) {
    host->guests["a"] = make_guest("a", 2, 256 * mib, 0);
    for (const int vcpu : {0, 1})
        host->set_affinity_of("a", vcpu, host->host.cpus[0]);
    run(4);
    ASSERT_EQ(host->affinity_calls, 0U);
    for (int& chunk : host->guests["a"].cells[0].chunk_nodes)
        chunk = 1;
    run(10);
    EXPECT_EQ(host->memory_on("a", 1), 256 * mib);
    EXPECT_NE(ticks.back().hands_off.at("a").memory, "");
}

}  // namespace
}  // namespace vnuma
