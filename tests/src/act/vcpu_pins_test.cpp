#include "src/act/vcpu_pins.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "guests/process/parse_proc.hpp"
#include "guests/process/process.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

// Pins this very thread, within the CPUs it has; needs two.
class PinsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        process = Process::open(::getpid());
        ASSERT_TRUE(process);
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
    Sample sample() const {
        Sample all;
        all.guests.emplace_back();
        all.guests[0].cells.push_back(cell());
        return all;
    }

    std::optional<Process> process;
    std::vector<int> before;
    Host host;
    std::unique_ptr<Kernel> kernel = open_kernel();
    VcpuPins pins{*kernel};
};

TEST_F(PinsTest, APinIsSetAndUndoneExactly) {
    EXPECT_EQ(pins.pin(*process, cell(), host, NodeIndex(1)), "");
    EXPECT_EQ(read().affinity, std::vector<int>{before[1]});
    EXPECT_EQ(pins.known().owners_choice(read()), before);
    pins.undo();
    EXPECT_EQ(read().affinity, before);
}

TEST_F(PinsTest, AnotherHomeStartsFromTheOwnersChoiceAgain) {
    pins.pin(*process, cell(), host, NodeIndex(1));
    EXPECT_EQ(pins.pin(*process, cell(), host, NodeIndex(0)), "");
    EXPECT_EQ(read().affinity, std::vector<int>{before[0]});
}

// When its second vCPU is looked at, what was sampled of it is not true any more.
TEST_F(PinsTest, ACellOfWhichOneVcpuCannotBePinnedIsLeftAsItWas) {
    CellSample both = cell();
    both.vcpus.push_back(both.vcpus[0]);
    EXPECT_NE(pins.pin(*process, both, host, NodeIndex(1)), "");
    EXPECT_EQ(read().affinity, before);
    EXPECT_FALSE(pins.known().holds(cell()));

    pins.pin(*process, cell(), host, NodeIndex(0));
    both = cell();
    both.vcpus.push_back(both.vcpus[0]);
    EXPECT_NE(pins.pin(*process, both, host, NodeIndex(1)), "");
    EXPECT_EQ(read().affinity, std::vector<int>{before[0]}) << "its former home";
    EXPECT_EQ(pins.known().owners_choice(read()), before);
}

TEST_F(PinsTest, ANodeOutsideTheOwnersChoiceIsRefused) {
    host.cpus[1] = {max_list_number};
    EXPECT_NE(pins.pin(*process, cell(), host, NodeIndex(1)), "");
    EXPECT_EQ(read().affinity, before);
}

TEST_F(PinsTest, TellsSomeoneElsesChangeFromTheKernelsReset) {
    pins.pin(*process, cell(), host, NodeIndex(1));
    EXPECT_FALSE(pins.known().changed_by_someone_else(read(), before));
    VcpuSample vcpu = read();
    vcpu.affinity = before;  // what kernels before 6.2 do on a cpuset write
    EXPECT_FALSE(pins.known().changed_by_someone_else(vcpu, before));
    vcpu.affinity = {before[0]};
    EXPECT_TRUE(pins.known().changed_by_someone_else(vcpu, before));
    vcpu.start_time += 1;  // another thread with the same number
    EXPECT_FALSE(pins.known().changed_by_someone_else(vcpu, before));
}

TEST(KnownPins, CpusThatGoOfflineAreNobodysChange) {
    KnownPins pins;
    VcpuSample vcpu;
    vcpu.cpuset = {0, 1, 2, 3, 4, 5};
    pins.set(identity_of(vcpu), {{0, 1, 2, 3}, {2, 3}});
    const auto changed = [&](std::vector<int> affinity, const std::vector<int>& online) {
        vcpu.affinity = std::move(affinity);
        return pins.changed_by_someone_else(vcpu, online);
    };
    EXPECT_FALSE(changed({2}, {0, 1, 2, 4, 5}));
    EXPECT_FALSE(changed({0, 1, 2}, {0, 1, 2, 4, 5}));
    EXPECT_TRUE(changed({2}, {0, 1, 2, 3, 4, 5})) << "no CPU is offline";
    vcpu.cpuset = {0, 1, 4, 5};
    EXPECT_FALSE(changed({0, 1, 4, 5}, {0, 1, 4, 5})) << "none of ours is left";
    EXPECT_TRUE(changed({4, 5}, {0, 1, 4, 5}));
}

TEST_F(PinsTest, UndoLeavesAloneWhatIsNotOurPinAnyMore) {
    pins.pin(*process, cell(), host, NodeIndex(1));
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

TEST_F(PinsTest, AReleaseGivesOneCellBack) {
    pins.pin(*process, cell(), host, NodeIndex(1));
    EXPECT_TRUE(pins.known().holds(cell()));
    EXPECT_EQ(pins.release(cell()), "");
    EXPECT_EQ(read().affinity, before);
    EXPECT_FALSE(pins.known().holds(cell()));
}

// Another process, since every thread may set its own CPUs. Only this thread changes its user.
TEST_F(PinsTest, APinThatCannotBePutBackIsNotForgotten) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root";
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    ASSERT_GT(child, 0);
    process = Process::open(child);
    CellSample one = cell();
    one.vcpus[0].thread = child;
    EXPECT_EQ(pins.pin(*process, one, host, NodeIndex(1)), "");
    constexpr uid_t same = static_cast<uid_t>(-1), nobody = 65534;
    ASSERT_EQ(::syscall(SYS_setresuid, same, nobody, same), 0);
    EXPECT_NE(pins.release(one), "");
    ASSERT_EQ(::syscall(SYS_setresuid, same, 0, same), 0);
    EXPECT_TRUE(pins.known().holds(one));
    EXPECT_EQ(pins.release(one), "");
    EXPECT_EQ(read().affinity, before);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST_F(PinsTest, AThreadMissingFromASampleIsNotForgottenWhileItLives) {
    pins.pin(*process, cell(), host, NodeIndex(1));
    pins.forget_ended(Sample{});
    EXPECT_EQ(pins.known().owners_choice(read()), before);
}

}  // namespace
}  // namespace vnuma
