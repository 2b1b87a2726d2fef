#include "src/observe/cpu_use.hpp"

#include <gtest/gtest.h>

#include "tests/src/hosts.hpp"

namespace vnuma {
namespace {

using test::two_nodes;

using namespace std::chrono_literals;

constexpr std::uint64_t ms = 1'000'000;  // in nanoseconds

VcpuSample vcpu(int id, std::uint64_t run_ns, std::uint64_t wait_ns = 0, int last_cpu = 0) {
    return {{100 + id, 7, last_cpu, run_ns, wait_ns, {}}, id};
}

class CpuUseTest : public ::testing::Test {
  protected:
    // What the guest's vCPUs have used on average, after they and others have used so much.
    MilliCpu next(std::chrono::milliseconds time, std::vector<VcpuSample> vcpus,
                  std::chrono::nanoseconds rounds = 0ns) {
        GuestSample guest;
        guest.uuid = "u";
        guest.tracking.attribution.held_up = rounds;
        CellSample cell;
        cell.vcpus = std::move(vcpus);
        guest.cells.push_back(cell);
        guest.processes = processes;
        guest.emulator = emulator;
        Look look{{}, {host.topology, busy, host.cpus}, {}};
        look.sample.time = std::chrono::steady_clock::time_point(time);
        if (guest_is_there) look.sample.guests.push_back(std::move(guest));
        look.use = measure_use(previous ? &*previous : nullptr, look, host);
        previous = std::move(look);
        MilliCpu all = 0;
        if (!guest_is_there) return all;
        for (const MilliCpu one : cpu_use(previous->sample.guests[0], cell, previous->use)
                                      .value_or(std::vector<MilliCpu>{}))
            all += one;
        return all;
    }
    MilliCpu others(int node) const { return other_use(NodeIndex(node), previous->use); }

    Host host = two_nodes();
    std::vector<std::chrono::milliseconds> busy{0ms, 0ms};
    std::vector<ProcessTime> processes;
    std::vector<ThreadSample> emulator;
    bool guest_is_there = true;
    std::optional<Look> previous;
};

TEST_F(CpuUseTest, IsRunPlusWaitTime) {
    next(0ms, {vcpu(0, 0, 0), vcpu(1, 5, 5)});
    EXPECT_EQ(next(2s, {vcpu(0, 500 * ms, 100 * ms), vcpu(1, 400 * ms + 5, 5)}), 500);
}

TEST_F(CpuUseTest, OfOneTickCountsForLittle) {
    next(0s, {vcpu(0, 0)});
    busy = {200ms, 0ms};
    EXPECT_EQ(next(2s, {vcpu(0, 200 * ms)}), 100) << "the first is all that is known";
    busy = {3'300ms, 0ms};
    EXPECT_EQ(next(4s, {vcpu(0, 2200 * ms)}), 100 + 900 * 2 / 12);
    MilliCpu last = 0;
    for (unsigned second = 6; second < 60; second += 2)
        last = next(std::chrono::seconds(second), {vcpu(0, (2200 + 1000 * (second - 4)) * ms)});
    EXPECT_GE(last, 990) << "what lasts is seen";
}

TEST_F(CpuUseTest, ThatLastsIsSeenHoweverShortTheInterval) {
    MilliCpu last = 0;
    for (int tick = 0; tick < 1000; ++tick)
        last =
            next(tick * 100ms, {vcpu(0, static_cast<unsigned>(std::max(tick - 1, 0)) * 10 * ms)});
    EXPECT_GE(last, 99);
    EXPECT_LE(last, 100);
}

TEST_F(CpuUseTest, OfARoundOfInducedFaultsIsNotTheGuests) {
    next(0s, {vcpu(0, 0), vcpu(1, 0)});
    EXPECT_EQ(next(2s, {vcpu(0, 200 * ms), vcpu(1, 200 * ms)}), 200);
    EXPECT_EQ(next(4s, {vcpu(0, 1400 * ms), vcpu(1, 1400 * ms)}, 2s), 200) << "a round";
    EXPECT_EQ(next(6s, {vcpu(0, 1600 * ms), vcpu(1, 1600 * ms)}, 2s), 200) << "none";
    EXPECT_NEAR(
        static_cast<double>(next(8s, {vcpu(0, 2600 * ms), vcpu(1, 2600 * ms, 400 * ms)}, 5s)), 200,
        1)
        << "its vCPUs waited, and all else is the round's";
}

TEST_F(CpuUseTest, OfAGuestThatWasRestartedIsAllItsOwn) {
    next(0s, {vcpu(0, 0)}, 1s);
    EXPECT_EQ(next(2s, {vcpu(0, 2000 * ms)}, 0s), 1000);
}

TEST_F(CpuUseTest, OfOthersIsWhatVcpusDoNotUse) {
    next(0s, {vcpu(0, 0, 0, 1)});
    busy = {1000ms, 500ms};
    next(2s, {vcpu(0, 600 * ms, 0, 1)});
    EXPECT_EQ(others(0), 200);
    EXPECT_EQ(others(1), 250);
}

// A process that may run elsewhere does not stay where CPUs are scarce.
TEST_F(CpuUseTest, OfOthersCountsAsFarAsItLasts) {
    next(0s, {});
    next(2s, {});
    std::chrono::seconds now = 2s;
    const auto pass = [&](int ticks, std::chrono::milliseconds used) {
        for (int tick = 0; tick < ticks; ++tick) {
            now += 2s;
            busy[0] += used;
            next(now, {});
        }
        return others(0);
    };
    EXPECT_EQ(pass(1, 1000ms), 500 * 2 / 62);
    EXPECT_GE(pass(120, 1000ms), 490);
    EXPECT_LE(pass(30, 0ms), 10) << "what has ended is forgotten sooner";
}

// It ran on the second node until just now.
TEST_F(CpuUseTest, OfOthersIsKeptWhileCpusGoAndCome) {
    next(0s, {});
    busy = {1000ms, 500ms};
    next(2s, {});
    const Host all = host;
    const MilliCpu before = others(0);
    ASSERT_GT(before, 0);
    host.cpus[0].pop_back();
    busy = {100ms, 600ms};
    next(4s, {});
    EXPECT_EQ(others(0), before);
    host = all;
    busy = {900'000ms, 700ms};
    next(6s, {});
    EXPECT_EQ(others(0), before) << "not all that the CPU has used since boot";
    host.topology.nodes.push_back(host.topology.nodes[1]);
    host.cpus.push_back({4000});
    busy.push_back(100'000ms);
    next(8s, {});
    EXPECT_EQ(others(2), 0) << "nothing is known of a node that is new";
    busy.back() += 1000ms;
    next(10s, {});
    EXPECT_GT(others(2), 0);
    EXPECT_LT(others(2), 1000);
}

// QEMU's other threads and helpers go with the guest's vCPUs, so they are none of the others.
TEST_F(CpuUseTest, OfAGuestIsThatOfAllThatServesIt) {
    emulator = {{50, 7, 2, 300 * ms, 0, {}}, {51, 7, 0, 100 * ms, 0, {}}};
    processes = {{50, 7, 0}, {60, 9, 5'000 * ms}};
    next(0s, {vcpu(0, 0), vcpu(1, 0)});
    busy = {1000ms, 600ms};
    processes = {{50, 7, 800 * ms}, {60, 9, 5'400 * ms}, {70, 9, 90'000 * ms}};
    EXPECT_EQ(next(2s, {vcpu(0, 400 * ms), vcpu(1, 0)}), 200 + 400) << "70 is new";
    EXPECT_EQ(others(0), 200) << "1000 ms, without a vCPU's 400 and a quarter of 800";
    EXPECT_EQ(others(1), 0) << "600 ms, without three quarters of 800";
    processes = {{50, 8, 1'000 * ms}};
    EXPECT_NEAR(static_cast<double>(next(4s, {vcpu(0, 400 * ms), vcpu(1, 0)})), 600.0 * 10 / 12, 2)
        << "another process with that number: what is known loses weight";
}

TEST_F(CpuUseTest, OfWhatServesAGuestThatIsNewCountsInFullAtOnce) {
    guest_is_there = false;
    next(0s, {});
    guest_is_there = true;
    emulator = {{50, 7, 0, 0, 0, {}}};
    processes = {{50, 7, 300 * ms}};
    next(2s, {vcpu(0, 0)});
    processes = {{50, 7, 1'100 * ms}};
    EXPECT_EQ(next(4s, {vcpu(0, 0)}), 400);
}

TEST_F(CpuUseTest, OfOthersIsKnownWhereThreadsHaveNotRunYet) {
    emulator = {{50, 7, 0, 0, 0, {}}};
    processes = {{50, 7, 0}};
    next(0s, {vcpu(0, 0)});
    busy = {1000ms, 600ms};
    processes = {{50, 7, 200 * ms}};
    next(2s, {vcpu(0, 0)});
    EXPECT_EQ(others(0), 500);
    EXPECT_EQ(others(1), 300);
}

TEST_F(CpuUseTest, OfAVcpuBeforeItChangedNodesIsNotOfOthers) {
    next(0s, {vcpu(0, 0, 0, 1)});
    busy = {100ms, 1000ms};
    next(1s, {vcpu(0, 1000 * ms, 0, 1)});
    EXPECT_EQ(others(0), 0);
    EXPECT_EQ(others(1), 100);
}

}  // namespace
}  // namespace vnuma
