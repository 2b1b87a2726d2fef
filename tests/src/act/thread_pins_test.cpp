#include "src/act/thread_pins.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"
#include "src/observe/host.hpp"
#include "tests/no_free_descriptors.hpp"
#include "tests/temporary.hpp"

namespace vnuma {
namespace {

// Pins this very thread, within the CPUs it has; needs two.
class ThreadPinsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        process = std::make_shared<const Process>(std::move(*Process::open(::getpid())));
        before = read().affinity;
        if (before.size() < 2) GTEST_SKIP() << "one CPU only";
        host.cpus = {{before[0]}, {before[1]}};
        host.topology.nodes.resize(2);
    }
    void TearDown() override { pins.undo(); }

    VcpuSample read() const {
        const auto status = process->read("status");
        return {{::getpid(), process->start_time(), 0, 0, 0,
                 *parse_number_list(*find_status_field(*status, "Cpus_allowed_list"))},
                0};
    }
    CellSample cell() const {
        CellSample one;
        one.vcpus.push_back(read());
        return one;
    }
    std::string pin(const CellSample& cell, int node) {
        GuestSample guest;
        guest.name = "alpha";
        guest.process = process;
        return pins.pin(guest, vcpus_of(guest, cell), host.cpus[static_cast<std::size_t>(node)],
                        before, why_not);
    }
    std::string release(const CellSample& cell) {
        return pins.release(vcpus_of({}, cell), why_not);
    }
    void follow(const Sample& look, const std::vector<int>& online,
                std::vector<int> isolated = {}) {
        pins.follow(
            look, online, [&](const GuestSample&) { return why_not(); }, std::move(isolated));
    }
    Sample sample() const {
        Sample all;
        all.guests.emplace_back();
        all.guests[0].cells.push_back(cell());
        return all;
    }

    std::shared_ptr<const Process> process;
    std::vector<int> before;
    Host host;
    std::unique_ptr<Kernel> kernel = open_kernel();
    test::TemporaryDirectory directory;
    Journal journal{directory.path("journal")};
    ThreadPins pins{*kernel, journal};
    ThreadPins::WhyNot why_not = [] { return std::string(); };
};

TEST_F(ThreadPinsTest, APinIsSetAndUndoneExactly) {
    EXPECT_EQ(pin(cell(), 1), "");
    EXPECT_EQ(read().affinity, std::vector<int>{before[1]});
    EXPECT_EQ(pins.known().owners_choice(read()), before);
    pins.undo();
    EXPECT_EQ(read().affinity, before);
}

TEST_F(ThreadPinsTest, AnotherHomeStartsFromTheOwnersChoiceAgain) {
    pin(cell(), 1);
    EXPECT_EQ(pin(cell(), 0), "");
    EXPECT_EQ(read().affinity, std::vector<int>{before[0]});
}

TEST_F(ThreadPinsTest, IsolatedCpusAreUsedOnlyWhereTheOwnerAllowsNoOthers) {
    host.cpus = {before, {before[1]}};
    follow(sample(), before, {before[1]});
    EXPECT_EQ(pin(cell(), 0), "");
    std::vector<int> others = before;
    others.erase(others.begin() + 1);
    EXPECT_EQ(read().affinity, others);
    EXPECT_NE(pin(cell(), 1), "") << "that node has isolated CPUs only";
    follow(sample(), before, before);
    EXPECT_EQ(pin(cell(), 1), "") << "all CPUs are isolated";
    EXPECT_EQ(read().affinity, std::vector<int>{before[1]});
}

// When its second vCPU is looked at, what was sampled of it is not true any more.
TEST_F(ThreadPinsTest, ACellOfWhichOneVcpuCannotBePinnedIsLeftAsItWas) {
    CellSample both = cell();
    both.vcpus.push_back(both.vcpus[0]);
    EXPECT_NE(pin(both, 1), "");
    EXPECT_EQ(read().affinity, before);
    EXPECT_FALSE(pins.known().holds(cell()));

    pin(cell(), 0);
    both = cell();
    both.vcpus.push_back(both.vcpus[0]);
    EXPECT_NE(pin(both, 1), "");
    EXPECT_EQ(read().affinity, std::vector<int>{before[0]}) << "its former home";
    EXPECT_EQ(pins.known().owners_choice(read()), before);
}

TEST_F(ThreadPinsTest, WhatMayNotBeDoneAnyMoreIsNotDone) {
    why_not = [] { return std::string("frozen"); };
    EXPECT_EQ(pin(cell(), 1), "frozen");
    EXPECT_EQ(read().affinity, before);
    EXPECT_TRUE(journal.entries().empty());
    why_not = [] { return std::string(); };
    pin(cell(), 1);
    why_not = [] { return std::string("frozen"); };
    EXPECT_EQ(release(cell()), "frozen");
    EXPECT_EQ(read().affinity, std::vector<int>{before[1]});
    EXPECT_TRUE(pins.known().holds(cell()));
}

TEST_F(ThreadPinsTest, ANodeOutsideTheOwnersChoiceIsRefused) {
    host.cpus[1] = {max_list_number};
    EXPECT_NE(pin(cell(), 1), "");
    EXPECT_EQ(read().affinity, before);
}

// The kernel does not tell whether an affinity was set. From Linux 6.2 on, a mask that is given
// back would keep the thread narrow when its cpuset is widened later.
TEST_F(ThreadPinsTest, AThreadForWhichNobodyHadSetAnAffinityGetsBackAllPossibleCpus) {
    CellSample one = cell();
    one.vcpus[0].cpuset = before;
    pin(one, 1);
    EXPECT_TRUE(pins.known().find(one.vcpus[0])->unset);
    EXPECT_EQ(*journal.entries().begin()->second.pin.ours.begin(), before[1]);
    pins.undo();
    EXPECT_EQ(read().affinity, before);
    EXPECT_TRUE(journal.entries().empty());
}

TEST(MaskBefore, IsAllPossibleCpusWhereTheWholeCpusetWasAllowed) {
    EXPECT_EQ(mask_before({{0, 1, 2, 3}, {0, 1, 2, 3}}), every_cpu());
    EXPECT_EQ(mask_before({{0, 1, 2, 3}, {0, 1}}), every_cpu()) << "the cpuset was narrowed since";
    EXPECT_EQ(mask_before({{0, 1}, {0, 1, 2, 3}}), (std::vector<int>{0, 1}));
    EXPECT_EQ(mask_before({{0, 1}, {}}), (std::vector<int>{0, 1})) << "of no known cpuset";
}

TEST_F(ThreadPinsTest, WithoutAJournalNothingIsChanged) {
    std::filesystem::remove_all(directory.path());
    EXPECT_NE(pin(cell(), 1).find("the journal cannot be written"), std::string::npos);
    EXPECT_EQ(read().affinity, before);
    EXPECT_FALSE(pins.known().holds(cell()));
}

TEST_F(ThreadPinsTest, APinThatSomebodyElseHasTakenOverIsNotUndone) {
    pin(cell(), 1);
    pins.forget({identity_of(cell().vcpus[0])});
    pins.undo();
    EXPECT_EQ(read().affinity, std::vector<int>{before[1]});
    EXPECT_EQ(kernel->set_affinity(identity_of(read()), before).error, 0);
}

TEST_F(ThreadPinsTest, AThreadThatWasBornPinnedGetsBackWhatItsCreatorHad) {
    pin(cell(), 1);
    std::atomic<pid_t> born{0};
    std::atomic<bool> over{false};
    std::thread thread([&] {
        born = ::gettid();
        while (!over)
            std::this_thread::yield();
    });
    while (born == 0)
        std::this_thread::yield();
    pins.undo();
    const auto status = process->read("task/" + std::to_string(born) + "/status");
    over = true;
    thread.join();
    EXPECT_EQ(parse_number_list(*find_status_field(*status, "Cpus_allowed_list")), before);
}

TEST_F(ThreadPinsTest, ThePinsAreSetAgainThreeTimesAndThenTakenForSomebodysWill) {
    for (int i = 0; i <= max_reapplied; ++i) {
        EXPECT_EQ(pin(cell(), 1), "");
        ASSERT_EQ(kernel->set_affinity(identity_of(read()), before).error, 0);
        EXPECT_EQ(pins.known().changed_by_someone_else(read(), before, true), i == max_reapplied);
        EXPECT_TRUE(pins.known().changed_by_someone_else(read(), before, false))
            << "this kernel forgets no affinity";
    }
}

TEST_F(ThreadPinsTest, TellsSomeoneElsesChangeFromTheKernelsReset) {
    pin(cell(), 1);
    EXPECT_FALSE(pins.known().changed_by_someone_else(read(), before, true));
    VcpuSample vcpu = read();
    vcpu.affinity = before;  // what kernels before 6.2 do on a cpuset write
    EXPECT_FALSE(pins.known().changed_by_someone_else(vcpu, before, true));
    vcpu.affinity = {before[0]};
    EXPECT_TRUE(pins.known().changed_by_someone_else(vcpu, before, true));
    vcpu.start_time += 1;  // another thread with the same number
    EXPECT_FALSE(pins.known().changed_by_someone_else(vcpu, before, true));
}

TEST(KnownPins, CpusThatGoOfflineAreNobodysChange) {
    KnownPins pins;
    VcpuSample vcpu;
    vcpu.cpuset = {0, 1, 2, 3, 4, 5};
    pins.set(identity_of(vcpu), {{0, 1, 2, 3}, {2, 3}, false, {}, 0, 0});
    const auto changed = [&](std::vector<int> affinity, const std::vector<int>& online) {
        vcpu.affinity = std::move(affinity);
        return pins.changed_by_someone_else(vcpu, online, true);
    };
    EXPECT_FALSE(changed({2}, {0, 1, 2, 4, 5}));
    EXPECT_FALSE(changed({0, 1, 2}, {0, 1, 2, 4, 5}));
    EXPECT_TRUE(changed({2}, {0, 1, 2, 3, 4, 5})) << "no CPU is offline";
    vcpu.cpuset = {0, 1, 4, 5};
    EXPECT_FALSE(changed({0, 1, 4, 5}, {0, 1, 4, 5})) << "none of ours is left";
    EXPECT_TRUE(changed({4, 5}, {0, 1, 4, 5}));
}

TEST(KnownPins, CpusThatWereAllOfflineAndAreBackAreNobodysChange) {
    KnownPins pins;
    VcpuSample vcpu;
    vcpu.cpuset = {0, 1, 2, 3};
    pins.set(identity_of(vcpu), {{0, 1, 2}, {2}, false, {}, 0, 0});
    vcpu.affinity = vcpu.cpuset;  // by the kernel, once CPU 2 was offline
    EXPECT_TRUE(pins.changed_by_someone_else(vcpu, {0, 1, 2, 3}, false)) << "nobody saw it offline";
    pins.mark_lost({0, 1, 3});
    EXPECT_FALSE(pins.changed_by_someone_else(vcpu, {0, 1, 2, 3}, false));
    vcpu.affinity = {0, 1};
    EXPECT_TRUE(pins.changed_by_someone_else(vcpu, {0, 1, 2, 3}, false));

    Pin pin = pins.find_or_none(vcpu);
    pin.reapplied = max_reapplied;
    pins.set(identity_of(vcpu), pin);
    vcpu.affinity = vcpu.cpuset;
    EXPECT_TRUE(pins.changed_by_someone_else(vcpu, {0, 1, 2, 3}, false)) << "not for ever";
}

TEST_F(ThreadPinsTest, APinThatHasOutlastedCpusThatWereOfflineIsTheOwnersToChangeAgain) {
    pin(cell(), 1);
    VcpuSample changed = read();
    changed.affinity = before;
    follow(sample(), {before[0]});
    EXPECT_FALSE(pins.known().changed_by_someone_else(changed, before, false));
    follow(sample(), before);
    EXPECT_TRUE(pins.known().changed_by_someone_else(changed, before, false));
}

TEST_F(ThreadPinsTest, UndoLeavesAloneWhatIsNotOurPinAnyMore) {
    pin(cell(), 1);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(before[0], &set);
    ASSERT_EQ(::sched_setaffinity(0, sizeof set, &set), 0);
    pins.undo();
    EXPECT_EQ(read().affinity, std::vector<int>{before[0]});
    CPU_ZERO(&set);
    for (const int cpu : before)
        CPU_SET(cpu, &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

// The kernel takes CPUs that leave the cpuset out of the affinity, and the pin is still in force.
TEST_F(ThreadPinsTest, APinIsNotSetAgainBecauseItsCpusetIsNarrower) {
    pin(cell(), 1);
    GuestSample guest;
    guest.process = process;
    CellSample narrow = cell();
    const std::vector<int> both{before[0], before[1]};
    narrow.vcpus[0].cpuset = narrow.vcpus[0].affinity;
    EXPECT_TRUE(pins.is_in_force(guest, vcpus_of(guest, narrow)[0], {before[1]}, both));
    KnownPins known;
    known.set(identity_of(narrow.vcpus[0]), {both, both, false, {}, 0, 0});
    EXPECT_FALSE(known.changed_by_someone_else(narrow.vcpus[0], both, false));
}

TEST_F(ThreadPinsTest, AThreadThatIsBornBetweenALookAndAReleaseGetsBackWhatItsCreatorHad) {
    const CellSample look = cell();
    pin(look, 1);
    std::atomic<pid_t> heir = 0;
    std::atomic<bool> over = false;
    std::thread thread([&] {
        heir = static_cast<pid_t>(::syscall(SYS_gettid));
        while (!over)
            std::this_thread::yield();
    });
    while (heir == 0)
        std::this_thread::yield();
    EXPECT_EQ(release(look), "");
    cpu_set_t cpus;
    ASSERT_EQ(::sched_getaffinity(heir, sizeof cpus, &cpus), 0);
    EXPECT_EQ(static_cast<std::size_t>(CPU_COUNT(&cpus)), before.size());
    over = true;
    thread.join();
}

TEST_F(ThreadPinsTest, AReleaseGivesOneCellBack) {
    pin(cell(), 1);
    EXPECT_TRUE(pins.known().holds(cell()));
    EXPECT_EQ(release(cell()), "");
    EXPECT_EQ(read().affinity, before);
    EXPECT_FALSE(pins.known().holds(cell()));
}

// Another process, since every thread may set its own CPUs. Only this thread changes its user.
TEST_F(ThreadPinsTest, APinThatCannotBePutBackIsNotForgotten) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root";
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    ASSERT_GT(child, 0);
    process = std::make_shared<const Process>(std::move(*Process::open(child)));
    CellSample one = cell();
    one.vcpus[0].thread = child;
    EXPECT_EQ(pin(one, 1), "");
    constexpr uid_t same = static_cast<uid_t>(-1), nobody = 65534;
    ASSERT_EQ(::syscall(SYS_setresuid, same, nobody, same), 0);
    EXPECT_NE(release(one), "");
    ASSERT_EQ(::syscall(SYS_setresuid, same, 0, same), 0);
    EXPECT_TRUE(pins.known().holds(one));
    EXPECT_EQ(release(one), "");
    EXPECT_EQ(read().affinity, before);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST_F(ThreadPinsTest, AProcessWithoutFreeDescriptorsForgetsNoPin) {
    pin(cell(), 1);
    {
        const test::NoFreeDescriptors none;
        follow(Sample{}, before);
        const auto failed = pins.undo().value();
        ASSERT_EQ(failed.size(), 1U);
        EXPECT_EQ(failed[0].outcome, PutBack::failed);
        EXPECT_NE(describe(failed[0]).find("Too many open files"), std::string::npos)
            << describe(failed[0]);
    }
    EXPECT_EQ(read().affinity, std::vector<int>{before[1]});
    EXPECT_EQ(journal.entries().size(), 1U);
    pins.undo();
    EXPECT_EQ(read().affinity, before);
}

TEST_F(ThreadPinsTest, AThreadThatCannotBeReadIsNotPinned) {
    const CellSample one = cell();
    pin(one, 1);  // so that the journal is open
    ASSERT_EQ(release(one), "");
    std::string error;
    {
        const test::NoFreeDescriptors none;
        error = pin(one, 1);
    }
    EXPECT_EQ(error, "the CPUs of vCPU 0 cannot be read");
    EXPECT_EQ(read().affinity, before);
    EXPECT_TRUE(journal.entries().empty());
}

TEST_F(ThreadPinsTest, AThreadThatHasGotTheNumberOfAnotherIsNotTouched) {
    pin(cell(), 1);
    JournalEntry former = journal.entries().begin()->second;
    ++former.thread.start_time;
    EXPECT_EQ(put_back(*kernel, former).outcome, PutBack::ended);
    EXPECT_EQ(kernel->set_affinity(former.thread, before).error, ESRCH);
    EXPECT_EQ(read().affinity, std::vector<int>{before[1]});
}

TEST_F(ThreadPinsTest, AThreadMissingFromASampleIsNotForgottenWhileItLives) {
    pin(cell(), 1);
    follow(Sample{}, before);
    EXPECT_EQ(pins.known().owners_choice(read()), before);
}

}  // namespace
}  // namespace vnuma
