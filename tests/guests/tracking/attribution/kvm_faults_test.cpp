// The fault counter on a real KVM, with a guest whose every access is known.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <thread>
#include <tuple>

#include "guests/tracking/attribution/fault_counter.hpp"
#include "tests/guests/tracking/attribution/tiny_vm.hpp"

namespace vnuma {
namespace {

constexpr int shift = 16;
constexpr int first_id = 0, second_id = 5;  // QEMU's ids may skip numbers, too
constexpr std::uint32_t first_code = 0x1000, second_code = 0x2000;
// KVM may map neighbours of a page in advance, up to seven within eight of them.
constexpr std::uint32_t stride = 0x8000;
constexpr Touches writes{0x20000, 8, stride, true};  // groups 2 to 5
constexpr Touches reads{0x80000, 4, stride, false};  // groups 8 and 9

// By vCPU, group and write.
using Truth = std::map<std::tuple<int, std::uint64_t, bool>, std::uint64_t>;

Truth truth_of(const FaultCounts& counts) {
    Truth truth;
    for (const CountedFaults& faults : counts.faults)
        truth[{faults.vcpu, faults.bucket, faults.write}] += faults.count;
    return truth;
}

// Group 0 is the programs' own, read to be run.
const Truth first_truth = {{{first_id, 0, false}, 1},
                           {{first_id, 2, true}, 2},
                           {{first_id, 3, true}, 2},
                           {{first_id, 4, true}, 2},
                           {{first_id, 5, true}, 2}};
const Truth both_truth = [] {
    Truth both = first_truth;
    both.insert(
        {{{second_id, 0, false}, 1}, {{second_id, 8, false}, 2}, {{second_id, 9, false}, 2}});
    return both;
}();

// Takes down KVM's mappings of this process, as a tracker would.
bool unmap() {
    std::ofstream file("/proc/self/clear_refs");
    return static_cast<bool>(file << "4" << std::flush);
}

class KvmFaults : public testing::Test {
  protected:
    void SetUp() override {
        std::string why_not = TinyVm::why_not();
        if (why_not.empty()) counter = load_fault_counter(why_not);
        // The lab has all it takes.
        if (!why_not.empty() && std::getenv("VNUMA_MUST_COUNT_FAULTS")) FAIL() << why_not;
        if (!why_not.empty()) GTEST_SKIP() << why_not;
        vm = std::make_unique<TinyVm>();
        first = std::make_unique<TinyVcpu>(*vm, first_id, first_code, writes);
        second = std::make_unique<TinyVcpu>(*vm, second_id, second_code, reads);
    }

    // One after the other: two at once may have to repeat a fault.
    void run_both() {
        std::thread([this] { first->run(); }).join();
        std::thread([this] { second->run(); }).join();
    }

    std::unique_ptr<FaultCounter> counter;
    std::unique_ptr<TinyVm> vm;
    std::unique_ptr<TinyVcpu> first, second;
    const pid_t self = ::getpid();
};

TEST_F(KvmFaults, AreCountedByVcpuGroupAndWrite) {
    ASSERT_TRUE(counter->watch(self, shift));
    run_both();
    const FaultCounts counts = counter->take();
    EXPECT_EQ(truth_of(counts), both_truth);
    EXPECT_EQ(counts.dropped, 0U);
    EXPECT_EQ(counts.fault_time, std::nullopt);
    std::map<int, pid_t> threads;
    for (const CountedFaults& faults : counts.faults) {
        EXPECT_EQ(faults.process, self);
        EXPECT_NE(faults.thread, self);
        EXPECT_EQ(threads.try_emplace(faults.vcpu, faults.thread).first->second, faults.thread);
    }
    EXPECT_NE(threads[first_id], threads[second_id]);
}

TEST_F(KvmFaults, ComeAgainOnceMappingsAreTakenDown) {
    ASSERT_TRUE(counter->watch(self, shift));
    run_both();
    counter->take();
    run_both();
    EXPECT_EQ(truth_of(counter->take()), Truth{}) << "all is mapped";
    ASSERT_TRUE(unmap());
    run_both();
    EXPECT_EQ(truth_of(counter->take()), both_truth);
    EXPECT_EQ(truth_of(counter->take()), Truth{}) << "taken";
}

TEST_F(KvmFaults, AddUpUntilTheyAreTaken) {
    ASSERT_TRUE(counter->watch(self, shift));
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(unmap());
        run_both();
    }
    Truth three_times = both_truth;
    for (auto& [kind, count] : three_times)
        count *= 3;
    // A thread's entries are its own, so each round has made new ones.
    EXPECT_EQ(truth_of(counter->take()), three_times);
}

TEST_F(KvmFaults, OfAProcessThatIsNotWatchedAreNotCounted) {
    run_both();
    EXPECT_EQ(truth_of(counter->take()), Truth{});
}

TEST_F(KvmFaults, AreForgottenWithTheirProcess) {
    ASSERT_TRUE(counter->watch(self, shift));
    run_both();
    counter->unwatch(self);
    EXPECT_EQ(truth_of(counter->take()), Truth{});
    ASSERT_TRUE(unmap());
    run_both();
    EXPECT_EQ(truth_of(counter->take()), Truth{}) << "nor are there new ones";
}

TEST_F(KvmFaults, OfAnEarlierWatchAreNotMixedWithTheNext) {
    ASSERT_TRUE(counter->watch(self, shift));
    std::thread([this] {
        second->run();
        counter->unwatch(self);
        ASSERT_TRUE(counter->watch(self, shift));
        ASSERT_TRUE(unmap());
        second->run();
    }).join();
    std::thread([this] { first->run(); }).join();
    EXPECT_EQ(truth_of(counter->take()), both_truth);
    ASSERT_TRUE(unmap());
    run_both();
    ASSERT_TRUE(counter->watch(self, 20));
    EXPECT_EQ(truth_of(counter->take()), Truth{}) << "extents of another size";
}

TEST_F(KvmFaults, TellWhatOneTakesOnceThereWereMany) {
    ASSERT_TRUE(counter->watch(self, shift));
    std::thread([this] {
        for (int round = 0; round < 150; ++round) {
            ASSERT_TRUE(unmap());
            first->run();
        }
    }).join();
    const FaultCounts counts = counter->take();
    ASSERT_TRUE(counts.fault_time);
    EXPECT_GT(*counts.fault_time, std::chrono::nanoseconds(100));
    EXPECT_LT(*counts.fault_time, std::chrono::milliseconds(10));
    std::cout << "one fault takes " << counts.fault_time->count() << " ns\n";
    EXPECT_TRUE(counter->take().fault_time) << "still known";
}

// KVM has vCPUs try again and again while mappings are taken down, for longer in larger processes.
TEST_F(KvmFaults, ThatKvmHasRepeatedCountOnce) {
    constexpr std::size_t more_bytes = 256 << 20;
    constexpr std::uint64_t rounds = 5;
    first.reset();
    vm = std::make_unique<TinyVm>(more_bytes);
    first = std::make_unique<TinyVcpu>(*vm, first_id, first_code, writes);
    ASSERT_TRUE(counter->watch(self, shift));
    std::atomic<bool> stop = false;
    std::thread vcpu([&] {
        while (!stop)
            first->run();
    });
    for (std::uint64_t round = 0; round < rounds; ++round)
        EXPECT_TRUE(unmap());
    stop = true;
    vcpu.join();
    std::uint64_t sum = 0;
    for (const CountedFaults& faults : counter->take().faults)
        sum += faults.count;
    // All nine pages once for each round, for the beginning and, where two rounds met, once more.
    EXPECT_GT(sum, 0U);
    EXPECT_LE(sum, 9 * (2 * rounds + 1));
}

// Each thread has entries of its own, so that many of them fill the kernel's table.
TEST_F(KvmFaults, ThatFindNoRoomAreDroppedAndTold) {
    constexpr int pages = 24;
    constexpr std::uint64_t kinds_of_one = 8 * 2 * pages + 1;  // and the program's own page
    constexpr std::uint64_t threads = max_fault_kinds / kinds_of_one + 2;
    // All pages from 0x20000 on, far enough apart in each run; read, then written.
    const auto touch_all = [&] {
        for (std::uint32_t run = 0; run < 16; ++run) {
            first->load({0x20000 + run % 8 * 0x1000, pages, stride, run >= 8});
            ASSERT_TRUE(unmap());
            first->run();
        }
    };
    ASSERT_TRUE(counter->watch(self, 12));
    for (std::uint64_t i = 0; i < threads; ++i)
        std::thread(touch_all).join();
    FaultCounts counts = counter->take();
    EXPECT_EQ(counts.faults.size(), max_fault_kinds);
    EXPECT_GT(counts.dropped, 0U);

    std::thread(touch_all).join();
    counts = counter->take();
    EXPECT_EQ(counts.faults.size(), kinds_of_one) << "there is room again";
    EXPECT_EQ(counts.dropped, 0U);
}

TEST_F(KvmFaults, OfSoManyProcessesAreCountedAtOnce) {
    const auto process = [](std::uint32_t i) { return static_cast<pid_t>(1'000'000 + i); };
    for (std::uint32_t i = 0; i < max_watched_guests; ++i)
        ASSERT_TRUE(counter->watch(process(i), shift));
    EXPECT_FALSE(counter->watch(self, shift));
    EXPECT_TRUE(counter->watch(process(3), shift + 1)) << "it is among them";
    counter->unwatch(process(0));
    EXPECT_TRUE(counter->watch(self, shift));
    run_both();
    EXPECT_EQ(truth_of(counter->take()), both_truth);
}

}  // namespace
}  // namespace vnuma
